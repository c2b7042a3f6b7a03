#include "os/idmap.h"

#include <doctest/doctest.h>

#include <set>

namespace {

constexpr std::uint32_t kTask = 1000;
constexpr std::uint32_t kCli = 1001;

std::string task(std::uint32_t owner) {
  return os::map_text(os::complete_map(os::task_view(owner, kTask)));
}

std::string cli(std::uint32_t owner) {
  return os::map_text(os::complete_map(os::cli_view(owner, kTask, kCli)));
}

// How id `disk` appears; kNone: not at all.
constexpr std::uint64_t kNone = ~0ULL;
std::uint64_t seen(const std::vector<os::IdRange>& ranges, std::uint64_t disk) {
  for (const os::IdRange& range : ranges) {
    if (disk >= range.disk && disk - range.disk < range.count) {
      return range.seen + (disk - range.disk);
    }
  }
  return kNone;
}

}  // namespace

TEST_CASE("the owner 1000 is agentuser already, and exchanged with agentcli for the CLI") {
  CHECK(os::task_view(1000, kTask).empty());
  CHECK(cli(1000) ==
        "0 4294967294 1\n"
        "1 1 999\n"
        "1000 1001 1\n"
        "1001 1000 1\n"
        "1002 1002 4294966292\n");
}

TEST_CASE("another owner is exchanged with agentuser, and turned round by three for the CLI") {
  CHECK(task(501) ==
        "0 4294967294 1\n"
        "1 1 500\n"
        "501 1000 1\n"
        "502 502 498\n"
        "1000 501 1\n"
        "1001 1001 4294966293\n");
  CHECK(cli(501) ==
        "0 4294967294 1\n"
        "1 1 500\n"
        "501 1001 1\n"
        "502 502 498\n"
        "1000 501 1\n"
        "1001 1000 1\n"
        "1002 1002 4294966292\n");
}

TEST_CASE("root may own the workspace, and what would appear as root is parked") {
  CHECK(task(0) ==
        "0 1000 1\n"
        "1 1 999\n"
        "1000 4294967294 1\n"
        "1001 1001 4294966293\n");
  CHECK(cli(0) ==
        "0 1001 1\n"
        "1 1 999\n"
        "1000 4294967294 1\n"
        "1001 1000 1\n"
        "1002 1002 4294966292\n");
}

TEST_CASE("the owner 1001 is agentcli already") {
  CHECK(os::cli_view(1001, kTask, kCli).empty());
  CHECK(task(1001) ==
        "0 4294967294 1\n"
        "1 1 999\n"
        "1000 1001 1\n"
        "1001 1000 1\n"
        "1002 1002 4294966292\n");
}

TEST_CASE("every map is complete, without overlap, and has nothing appear as root") {
  for (const std::uint32_t owner :
       {0U, 1U, 33U, 501U, 999U, 1000U, 1001U, 1002U, 65534U, 100000U, 4294967293U, 4294967294U}) {
    CAPTURE(owner);
    for (const bool for_cli : {false, true}) {
      const std::vector<os::IdRange> ranges = os::complete_map(
          for_cli ? os::cli_view(owner, kTask, kCli) : os::task_view(owner, kTask));
      CHECK(seen(ranges, owner) == (for_cli ? kCli : kTask));
      std::uint64_t ids = 0;
      std::set<std::pair<std::uint64_t, std::uint64_t>> images;
      std::uint64_t next = 0;
      for (const os::IdRange& range : ranges) {
        CHECK(range.disk >= next);
        CHECK(range.seen != 0);
        next = std::uint64_t{range.disk} + range.count;
        ids += range.count;
        images.emplace(range.seen, std::uint64_t{range.seen} + range.count);
      }
      CHECK(ids == os::kParkedId);  // all of 0..kParkedId but one
      std::uint64_t end = 0;
      for (const auto& [first, past] : images) {
        CHECK(first >= end);
        end = past;
      }
    }
  }
}

TEST_CASE("the owner can be made to appear as root") {
  CHECK(os::map_text(os::complete_map({{501, 0}, {0, 501}})) ==
        "0 501 1\n"
        "1 1 500\n"
        "501 0 1\n"
        "502 502 4294966792\n");
}
