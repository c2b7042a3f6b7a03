#!/usr/bin/env bash
# fetch unpacks what has the pinned checksum and refuses everything else. A fake npm stands in.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

mkdir -p "$work/bin" "$work/package/bin"
echo 'echo run' >"$work/package/bin/tool"
chmod 4777 "$work/package/bin/tool"
tar -czf "$work/tool.tgz" -C "$work" package
cat >"$work/bin/npm" <<END
#!/bin/sh
cp "$work/tool.tgz" tool-1.0.0.tgz && echo tool-1.0.0.tgz
END
chmod +x "$work/bin/npm"
cp "$here/fetch" "$work/fetch"
export PATH=$work/bin:$PATH CODING_AGENTS_CACHE=$work/cache

# Two parts of one directory.
pin() {
  local row
  printf -v row 'tool\t%s\ttool@1.0.0\tsha512-%s' "$(uname -m)" "$1"
  printf '%s\tbin/tool\t.\n%s\t-\tmore/tool\n' "$row" "$row" >"$work/peers.lock"
}

pin "$(openssl dgst -sha512 -binary "$work/tool.tgz" | base64 -w0)"
dir=$("$work/fetch" tool) || fail "the pinned package was not fetched"
[ "$(stat -c %a "$dir/bin/tool")" = 711 ] || fail "the program has mode $(stat -c %a "$dir/bin/tool")"
[ -x "$dir/more/tool/bin/tool" ] || fail "the second part is not there"
[ "$(stat -c %a "$dir/more/tool/bin/tool")" = 755 ] || fail "a program that is not named was changed"
rm "$work/bin/npm"
[ "$("$work/fetch" tool)" = "$dir" ] || fail "a second fetch did not use the cache"

cat >"$work/bin/npm" <<END
#!/bin/sh
cp "$work/tool.tgz" tool-1.0.0.tgz && echo tool-1.0.0.tgz
END
chmod +x "$work/bin/npm"
pin "$(echo other | openssl dgst -sha512 -binary | base64 -w0)"
if "$work/fetch" tool 2>"$work/message"; then fail "another checksum was accepted"; fi
grep -q 'peers.lock says' "$work/message" || fail "the refusal says: $(cat "$work/message")"
[ "$(find "$work/cache" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ] || fail "a refused package was kept"
if "$work/fetch" unknown 2>/dev/null; then fail "an unknown name was accepted"; fi
echo "fetch: all as expected"
