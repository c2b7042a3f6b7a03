#include "runner/git_config.h"

#include <algorithm>
#include <array>

namespace runner {
namespace {

// git's own character classes, which know no locale.
bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool key_char(char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; }
bool comment_start(char c) { return c == '#' || c == ';'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Follows git's config.c step by step. Every function returns false where git gives up.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  bool parse() {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.substr(0, kByteOrderMark.size()) == kByteOrderMark) at_ = kByteOrderMark.size();
    while (at_ < text_.size()) {
      const std::size_t begin = at_;
      const char c = next();
      if (blank(c)) continue;
      if (comment_start(c)) {
        skip_line();
      } else if (c == '[') {
        if (!section()) return false;
        header_ = std::string(text_.substr(begin, at_ - begin));
      } else if (!letter(c) || !entry(begin, c)) {
        return false;
      }
    }
    return true;
  }

  std::vector<GitEntry> take() { return std::move(entries_); }

 private:
  // The end of the file reads as an endless line end, as in git; \r\n as one \n.
  char next() {
    if (at_ >= text_.size()) {
      at_ = text_.size() + 1;
      return '\n';
    }
    const char c = text_[at_++];
    if (c != '\r' || at_ >= text_.size() || text_[at_] != '\n') return c;
    ++at_;
    return '\n';
  }
  char skip_line() {
    while (next() != '\n') continue;
    return '\n';
  }
  bool ended() const { return at_ > text_.size(); }

  bool section() {
    section_.clear();
    for (;;) {
      const char c = next();
      if (ended()) return false;
      if (c == ']') break;
      if (blank(c)) {
        if (!subsection(c)) return false;
        break;
      }
      if (!key_char(c) && c != '.') return false;
      section_ += lower(c);
    }
    section_ += '.';
    return true;
  }

  bool subsection(char c) {
    while (blank(c)) {
      if (c == '\n') return false;
      c = next();
    }
    if (c != '"') return false;
    section_ += '.';
    for (c = next(); c != '"'; c = next()) {
      if (c == '\\') c = next();
      if (c == '\n') return false;
      section_ += c;
    }
    return next() == ']';
  }

  bool entry(std::size_t begin, char c) {
    GitEntry entry;
    entry.key = section_;
    while (key_char(c)) {
      entry.key += lower(c);
      c = next();
    }
    while (c == ' ' || c == '\t') c = next();
    if (c != '\n' && (c != '=' || !value(entry.value))) return false;
    at_ = std::min(at_, text_.size());
    entry.begin = begin;
    entry.raw = std::string(text_.substr(begin, at_ - begin));
    entry.header = header_;
    entries_.push_back(std::move(entry));
    return true;
  }

  bool value(std::string& out) {
    bool quoted = false;
    std::size_t kept = 0;  // without the blanks at the end
    for (char c = next();; c = next()) {
      if (comment_start(c) && !quoted) c = skip_line();
      if (c == '\n') break;
      if (blank(c) && !quoted) {
        if (!out.empty()) out += c;
        continue;
      }
      if (c == '"') {
        quoted = !quoted;
      } else if (!append(c, out)) {
        return false;
      }
      kept = out.size();
    }
    out.resize(kept);
    return !quoted;
  }

  bool append(char c, std::string& out) {
    if (c == '\\') return escape(out);
    out += c;
    return true;
  }

  bool escape(std::string& out) {
    const char c = next();
    switch (c) {
      case '\n':
        return true;
      case 't':
        out += '\t';
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'n':
        out += '\n';
        return true;
      case '\\':
      case '"':
        out += c;
        return true;
      default:
        return false;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string section_;  // `core.`, `filter.LFS.`
  std::string header_;
  std::vector<GitEntry> entries_;
};

enum class When { always, not_boolean, bang, ext };

// A key begins and ends like this; what is between is a subsection or a name.
struct RunningKey {
  std::string_view begin;
  std::string_view end;
  When when = When::always;
};

constexpr RunningKey kRunning[] = {
    {"alias.", "", When::bang},
    {"browser.", ".cmd"},
    {"browser.", ".path"},
    {"core.alternaterefscommand", ""},
    {"core.askpass", ""},
    {"core.attributesfile", ""},
    {"core.editor", ""},
    {"core.fsmonitor", "", When::not_boolean},
    {"core.gitproxy", ""},
    {"core.hookspath", ""},
    {"core.pager", "", When::not_boolean},
    {"core.sshcommand", ""},
    {"credential.", "helper"},
    {"diff.", ".command"},
    {"diff.", ".textconv"},
    {"diff.external", ""},
    {"difftool.", ".cmd"},
    {"difftool.", ".path"},
    {"filter.", ".clean"},
    {"filter.", ".process"},
    {"filter.", ".smudge"},
    {"gc.recentobjectshook", ""},
    {"gpg.", "program"},
    {"gpg.ssh.defaultkeycommand", ""},
    {"guitool.", ".cmd"},
    {"hook.", ".command"},
    {"imap.tunnel", ""},
    {"include.path", ""},
    {"includeif.", ".path"},
    {"init.templatedir", ""},
    {"interactive.difffilter", ""},
    {"lfs.customtransfer.", ".path"},
    {"lfs.extension.", ""},
    {"man.", ".cmd"},
    {"man.", ".path"},
    {"merge.", ".driver"},
    {"mergetool.", ".cmd"},
    {"mergetool.", ".path"},
    {"pager.", "", When::not_boolean},
    {"protocol.", "allow"},
    {"remote.", ".pushurl", When::ext},
    {"remote.", ".receivepack"},
    {"remote.", ".uploadpack"},
    {"remote.", ".url", When::ext},
    {"remote.", ".vcs"},
    {"sendemail.", "cmd"},
    {"sendemail.", "smtpserver"},
    {"sequence.editor", ""},
    {"submodule.", ".update", When::bang},
    {"tar.", ".command"},
    {"trailer.", ".cmd"},
    {"trailer.", ".command"},
    {"uploadpack.packobjectshook", ""},
    {"url.", "insteadof"},
};

bool boolean(std::string_view value) {
  constexpr std::array kBooleans = {"", "true", "false", "yes", "no", "on", "off", "0", "1"};
  return std::find(kBooleans.begin(), kBooleans.end(), value) != kBooleans.end();
}

bool applies(When when, std::string_view value) {
  switch (when) {
    case When::always:
      return true;
    case When::not_boolean:
      return !boolean(value);
    case When::bang:
      return value.starts_with('!');
    case When::ext:
      return value.starts_with("ext::");
  }
  return true;
}

}  // namespace

std::optional<std::vector<GitEntry>> parse_git_config(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  Parser parser(text);
  if (!parser.parse()) return std::nullopt;
  return parser.take();
}

bool runs_something(const GitEntry& entry) {
  return std::any_of(std::begin(kRunning), std::end(kRunning), [&](const RunningKey& running) {
    return entry.key.size() >= running.begin.size() + running.end.size() &&
           entry.key.starts_with(running.begin) && entry.key.ends_with(running.end) &&
           applies(running.when, entry.value);
  });
}

std::string edit_git_config(std::string_view text, std::span<const GitEntry> removed,
                            std::span<const GitEntry> added) {
  std::string out;
  std::size_t from = 0;
  for (const GitEntry& entry : removed) {
    out += text.substr(from, entry.begin - from);
    from = entry.begin + entry.raw.size();
  }
  out += text.substr(from);
  for (const GitEntry& entry : added) {
    if (!out.empty() && out.back() != '\n') out += '\n';
    out += entry.header + "\n\t" + entry.raw;
  }
  if (!added.empty() && out.back() != '\n') out += '\n';
  return out;
}

}  // namespace runner
