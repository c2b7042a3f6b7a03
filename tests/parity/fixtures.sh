# shellcheck shell=bash
# What a row of cases.tsv can ask to have in its folder before its program starts. Each function is
# called in that folder, as uid 1000, and prints nothing.

# write MODE FILE LINE...
write() {
  local mode=$1 file=$2
  shift 2
  printf '%s\n' "$@" >"$file"
  chmod "$mode" "$file"
}

# Files that are run, or cannot be.
scripts() {
  mkdir bin
  write 755 bin/plain '#!/bin/sh' 'echo "plain: $0 $# $*"'
  write 755 bin/options '#!/bin/sh -e' 'echo before' 'false' 'echo not reached'
  write 755 bin/split '#!/usr/bin/env -S sh -x' 'echo "split: $0"'
  write 755 bin/bash-env '#!/usr/bin/env bash' 'echo "bash: ${BASH_SOURCE[0]} $1"'
  write 755 bin/python '#!/usr/bin/python3 -u' 'import sys' 'print(sys.argv, sys.orig_argv[1:])'
  write 755 bin/perl '#!/usr/bin/perl -w' 'print "perl: $0 @ARGV\n"; exit 3;'
  write 755 bin/node '#!/usr/bin/env node' 'console.log(process.argv.slice(2), process.argv0);'
  write 755 bin/make '#!/usr/bin/make -f' 'all:' $'\t@echo "made by $(firstword $(MAKEFILE_LIST))"'
  write 755 bin/awk '#!/usr/bin/awk -f' 'BEGIN { print "awk:", ARGC; exit 4 }'
  write 755 bin/interpreter '#!/bin/sh' 'echo "interpreter: $0 $*"'
  write 755 bin/nested '#!./bin/interpreter -flag and more' 'not a shell script'
  local level below=interpreter
  for level in 1 2 3 4 5 6; do
    write 755 "bin/level$level" "#!./bin/$below"
    below=level$level
  done
  write 755 bin/missing '#!/no/such/interpreter' 'echo not reached'
  write 755 bin/folder '#!/usr' 'echo not reached'
  write 755 bin/long "#!/$(printf 'x%.0s' {1..300})" 'echo not reached'
  printf '#!/bin/sh\r\necho not reached\r\n' >bin/crlf
  chmod 755 bin/crlf
  write 755 bin/bare 'echo "bare: $0 $*"' 'exit 5'
  : >bin/empty
  chmod 755 bin/empty
  head -c 64 /dev/zero >bin/zeros
  chmod 755 bin/zeros
  printf '\177ELF broken' >bin/broken-elf
  chmod 755 bin/broken-elf
  write 644 bin/not-executable '#!/bin/sh' 'echo not reached'
  write 111 bin/not-readable '#!/bin/sh' 'echo not reached'
  write 755 'bin/with space' '#!/bin/sh' 'echo "spaced: $0"'
  cp /usr/bin/true bin/copy-of-true
  cp /usr/bin/sleep bin/executed-only
  chmod 111 bin/executed-only
  ln -s plain bin/link
  ln -s nowhere bin/dangling
  ln -s loop bin/loop
  mkfifo bin/fifo
}

# Text to read, filter and rewrite.
texts() {
  seq 1 200 >numbers
  printf 'one\ntwo\nthree\n' >lines
  head -c 100000 /dev/zero | tr '\0' x >big
  mkdir -p tree/a/b tree/c
  write 600 tree/a/private secret
  write 644 tree/a/b/deep deep
  write 755 tree/c/tool '#!/bin/sh' 'echo tool'
  ln -s ../a/private tree/c/link
}

# A script that a shell reads from its standard input, and what its child finds there.
stdin_script() {
  printf '%s\n' 'echo first' '/bin/echo second "$@"' cat 'the rest of the script' >script
}

# A C project with a nested make and a generated header.
project() {
  mkdir -p src/lib
  write 644 Makefile \
    'objects := $(addprefix obj/,$(addsuffix .o,1 2 3 4 5 6 7 8))' \
    'all: hello' \
    'hello: obj/main.o $(objects) src/lib/lib.a' $'\t@gcc -o $@ $^' \
    'obj/main.o: main.c generated.h | obj' $'\t@gcc -c -o $@ $<' \
    'obj/%.o: generated.h | obj' \
    $'\t@echo "int f$*(void) { return $*; }" | gcc -x c -c -o $@ -' \
    'generated.h:' $'\t@{ echo "#pragma once"; for n in 1 2 3 4 5 6 7 8; do echo "int f$$n(void);"; done; } >$@' \
    'obj:' $'\t@mkdir obj' \
    'src/lib/lib.a: force' $'\t@+$(MAKE) --no-print-directory -C src/lib' \
    'fails:' $'\t@exit 3' \
    'killed:' $'\t@kill -TERM $$$$' \
    '.PHONY: force all fails killed'
  write 644 main.c '#include <stdio.h>' '#include "generated.h"' 'int g(void);' \
    'int main(void) { printf("%d\n", f1() + f8() + g()); return f7(); }'
  write 644 src/lib/Makefile 'lib.a: lib.o other.o' \
    $'\t@rm -f $@; ar rcD $@ $^ 2>&1' '%.o: %.c' $'\t@gcc -c -o $@ $<'
  write 644 src/lib/lib.c 'int g(void) { return 100; }'
  write 644 src/lib/other.c 'int h(void) { return 1; }'
}

# A git repository with two commits, a branch, and a file that was changed since.
repository() {
  git init -q -b main .
  git config user.name Tester
  git config user.email tester@example.org
  echo first >file
  git add file
  git commit -q -m first
  git checkout -q -b topic
  echo second >>file
  git commit -q -a -m second
  echo third >>file
}

export GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z'
export HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1
