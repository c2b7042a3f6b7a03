#include "init/enforcement.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using init::MountWay;
using init::Way;
using policy::Level;
using policy::Protection;

namespace {

Level level(const policy::Levels& levels, Protection protection) {
  return levels[static_cast<std::size_t>(protection)];
}

constexpr init::CliProtections kEverything{
    .trap = os::Trap::notify, .bpf = true, .landlock = true, .memfd_noexec = true};

}  // namespace

TEST_CASE("what is hidden is missing, whatever the machine can do") {
  const std::vector<MountWay> ways{{"/workspace", Way::idmap}};
  const std::vector hidden{Protection::landlock, Protection::exec_trap};
  const policy::Levels levels = init::found_levels(kEverything, ways, hidden);
  CHECK(level(levels, Protection::landlock) == Level::none);
  CHECK(level(levels, Protection::exec_trap) == Level::none);
  CHECK(level(levels, Protection::bpf) == Level::full);
  CHECK(level(levels, Protection::uid_split) == Level::full);
  CHECK_FALSE(init::offered(Protection::landlock, hidden));
  CHECK(init::offered(Protection::bpf, hidden));
}

TEST_CASE("idmapped mounts are full, some are partial, none is none") {
  const auto workspace = [](std::vector<MountWay> ways) {
    return level(init::found_levels({}, ways, {}), Protection::workspace_idmap);
  };
  CHECK(workspace({{"/a", Way::idmap}, {"/b", Way::idmap}}) == Level::full);
  CHECK(workspace({{"/a", Way::idmap}, {"/b", Way::acl}}) == Level::partial);
  CHECK(workspace({{"/a", Way::acl}, {"/b", Way::shared}}) == Level::none);
}

TEST_CASE("a refusal names each protection that is missing and how to get it") {
  policy::Require require;
  const std::vector<MountWay> ways{{"/workspace", Way::acl}};
  CHECK_FALSE(init::refusal(require, init::found_levels({}, ways, {})).has_value());
  for (std::size_t i = 0; i < policy::kProtections; ++i) require.least[i] = Level::full;
  const auto text = init::refusal(require, init::found_levels({}, ways, {}));
  REQUIRE(text.has_value());
  CHECK(text->find('\n') == std::string::npos);
  for (const char* word : {"exec-trap full but it is none: ", "bpf full", "landlock full",
                           "memfd-noexec full", "apparmor full", "workspace-idmap full"}) {
    CAPTURE(word);
    CHECK(text->find(word) != std::string::npos);
  }
  CHECK(text->find("uid-split") == std::string::npos);
}

TEST_CASE("the table has a word for every protection, in the enum's order") {
  const auto words = init::words(init::found_levels(kEverything, {}, {}), os::Trap::trace);
  REQUIRE(words.size() == policy::kProtections + 1);
  CHECK(words.back() == std::pair<std::string, std::string>{"exec-trap-engine", "trace"});
  CHECK(words.front() == std::pair<std::string, std::string>{"uid-split", "full"});
  CHECK(words[8] == std::pair<std::string, std::string>{"apparmor", "none"});
}
