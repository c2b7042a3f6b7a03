#include "runner/git_config.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "os/fd.h"

namespace {

using runner::GitEntry;
using Pairs = std::vector<std::pair<std::string, std::string>>;

std::vector<GitEntry> parsed(std::string_view text) {
  auto entries = runner::parse_git_config(text);
  REQUIRE(entries.has_value());
  return *entries;
}

bool runs(const std::string& line) {
  const auto entries = parsed(line);
  REQUIRE(entries.size() == 1);
  return runner::runs_something(entries[0]);
}

// A blank within a value is a space in git 2.39 and itself in later versions.
std::string with_spaces(std::string text) {
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text;
}

// What git itself reads; false when it refuses the file.
bool git_reads(const std::string& path, Pairs& pairs) {
  const std::string command = "git config --file " + path + " --list --null 2>/dev/null";
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) output += static_cast<char>(c);
  if (::pclose(pipe) != 0) return false;
  for (std::size_t end = 0; (end = output.find('\0')) != std::string::npos;) {
    const std::string item = output.substr(0, end);
    output.erase(0, end + 1);
    const std::size_t line = item.find('\n');
    pairs.emplace_back(item.substr(0, line),
                       line == std::string::npos ? "" : with_spaces(item.substr(line + 1)));
  }
  return true;
}

std::string random_config(std::mt19937& random) {
  static const std::vector<std::string> pieces = {"[core]",
                                                  "[Core]",
                                                  "[filter \"LFS x\"]",
                                                  "[a.B]",
                                                  "[a \"b\\\"c\"]",
                                                  "\n",
                                                  "\n",
                                                  "\r\n",
                                                  "pager",
                                                  "clean",
                                                  " = ",
                                                  "=",
                                                  "x",
                                                  "y z",
                                                  "\"",
                                                  "\\\"",
                                                  "\\\n",
                                                  "\\n",
                                                  "\\q",
                                                  " ",
                                                  "\t",
                                                  "# note",
                                                  "; note",
                                                  "key-1",
                                                  "1key",
                                                  "[bad",
                                                  "]",
                                                  "'",
                                                  "\"a;b\"",
                                                  "[core]k = v",
                                                  "\\",
                                                  "\\\r\n",
                                                  "[x \"\n\"]",
                                                  "= \"a\nb\""};
  std::string text;
  for (std::size_t i = random() % 14; i > 0; --i) text += pieces[random() % pieces.size()];
  return text;
}

}  // namespace

TEST_CASE("a config file reads as git reads it") {
  std::string path = "/tmp/git_config_test.XXXXXX";
  ::close(::mkstemp(path.data()));
  std::mt19937 random(11);
  int accepted = 0;
  for (int i = 0; i < 400; ++i) {
    // Mostly files in which something is set, so that git does not refuse nearly all.
    const std::string text = "[core]\n\tpager = " + random_config(random) +
                             "\n[filter \"q\"]\n\tk = v" +
                             (i % 2 == 0 ? random_config(random) : "");
    REQUIRE(os::write_file(path, text).ok());
    Pairs expected;
    const bool readable = git_reads(path, expected);
    const auto entries = runner::parse_git_config(text);
    INFO(text);
    REQUIRE(entries.has_value() == readable);
    if (!readable) continue;
    ++accepted;
    Pairs found;
    for (const GitEntry& entry : *entries) {
      found.emplace_back(entry.key, with_spaces(entry.value));
      CHECK(text.substr(entry.begin, entry.raw.size()) == entry.raw);
    }
    REQUIRE(found == expected);
  }
  CHECK(accepted > 50);
  ::unlink(path.c_str());
}

TEST_CASE("a NUL makes a file unreadable: git would see less of it than we") {
  CHECK_FALSE(runner::parse_git_config(std::string_view("[a]\nb = c\0d\n", 12)).has_value());
}

TEST_CASE("keys that run something are known in any spelling, others are left alone") {
  for (const char* line : {"[core] pager = x",
                           "[CORE] PAGER = x",
                           "[core]fsmonitor = ./x",
                           "[core] hooksPath = .",
                           "[core] sshCommand = x",
                           "[alias] st = !x",
                           "[filter \"lfs\"] clean = x",
                           "[filter.lfs] smudge = x",
                           "[diff \"a\"] command = x",
                           "[diff] external = x",
                           "[include] path = x",
                           "[includeIf \"gitdir:/\"] path = x",
                           "[credential] helper = x",
                           "[credential \"https://a.b\"] helper = x",
                           "[url \"ext::sh\"] insteadOf = https://",
                           "[url \"x\"] pushInsteadOf = y",
                           "[gpg] program = x",
                           "[gpg \"ssh\"] program = x",
                           "[remote \"o\"] url = ext::sh -c x",
                           "[remote \"o\"] uploadpack = x",
                           "[pager] log = x",
                           "[merge \"m\"] driver = x",
                           "[sequence] editor = x",
                           "[core] editor = x"}) {
    INFO(line);
    CHECK(runs(line));
  }
  for (const char* line :
       {"[core] bare = false", "[core] fsmonitor = true", "[alias] st = status",
        "[remote \"o\"] url = https://a.b/c", "[branch \"main\"] remote = o", "[pager] log = false",
        "[user] name = x", "[filter \"lfs\"] required = true", "[push] default = current"}) {
    INFO(line);
    CHECK_FALSE(runs(line));
  }
}

TEST_CASE("an edit takes out entries and puts others back, and the rest stays as it is") {
  const std::string text =
      "# mine\n[core]\n\tpager = evil \\\n  more\n\tbare = false\n[alias] x = !y\n[user]\n\tname = "
      "n";
  const auto entries = parsed(text);
  std::vector<GitEntry> removed;
  for (const GitEntry& entry : entries) {
    if (runner::runs_something(entry)) removed.push_back(entry);
  }
  const auto added = parsed("[Core]\n\tpager = less # good\n");
  const std::string edited = runner::edit_git_config(text, removed, added);
  CHECK(edited ==
        "# mine\n[core]\n\t\tbare = false\n[alias] [user]\n\tname = n\n[Core]\n\tpager = less # "
        "good\n");
  const auto now = parsed(edited);
  REQUIRE(now.size() == 3);
  CHECK(now[0].key == "core.bare");
  CHECK(now[1].key == "user.name");
  CHECK(now[2].value == "less");
}
