#include "init/trap_choice.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "os/capabilities.h"
#include "os/child.h"
#include "os/fd.h"
#include "os/filter.h"
#include "os/signals.h"
#include "os/socket.h"

using init::choose_trap;
using init::TrapChoice;
using policy::Protection;

namespace {

os::Fd relay() {
  auto opened = os::open_file(std::getenv("AGENT_RELAY"), O_RDONLY);
  REQUIRE(opened.ok());
  return std::move(opened).value();
}

// What `body` says in a process of its own, whose signals are blocked as PID 1's are.
std::string in_child(const std::function<std::string()>& body) {
  auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  auto child = os::Child::start(0, [&]() -> int {
    os::block_all_signals();
    return os::send_message(pair.value().second.get(), body()).ok() ? 0 : 1;
  });
  REQUIRE(child.ok());
  pair.value().second.reset();
  const auto message = os::receive_message(pair.value().first.get());
  REQUIRE(child.value().wait().ok());
  REQUIRE(message.ok());
  return message.value().bytes;
}

constexpr uid_t kCli = 1001;
constexpr uid_t kOther = 1000;

std::string chosen(std::optional<os::Trap> wanted, const std::vector<Protection>& hidden = {},
                   std::optional<uid_t> trace_as = {}) {
  const auto choice = choose_trap(wanted, hidden, relay().get(), trace_as);
  if (!choice.ok()) return choice.error().step;
  constexpr std::array kNames{"none", "notify", "trace"};
  const TrapChoice& made = choice.value();
  return std::string(kNames[static_cast<std::size_t>(made.trap)]) +
         (made.why_none.empty() ? "" : ": " + made.why_none);
}

std::string without_ptrace(std::optional<os::Trap> wanted, std::optional<uid_t> trace_as) {
  return in_child([&]() -> std::string {
    constexpr std::array kKept{CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL};
    if (!os::limit_capabilities(kKept).ok()) return "cannot limit capabilities";
    return chosen(wanted, {}, trace_as);
  });
}

// As on a machine where somebody else listens: the CLI's own filter says so to all under it.
bool take_listener_away() {
  const auto filter = os::cli_filter({os::Trap::none});
  if (!filter.ok()) return false;
  auto program = filter.value();
  return os::install_filter(program).ok();
}

}  // namespace

TEST_CASE("both engines work on this machine, and notify is the first choice") {
  CHECK(in_child([] { return chosen(std::nullopt); }) == "notify");
  CHECK(in_child([] { return chosen(os::Trap::notify); }) == "notify");
  CHECK(in_child([] { return chosen(os::Trap::trace); }) == "trace");
}

TEST_CASE("what is hidden or switched off is not tried") {
  CHECK(in_child([] { return chosen(std::nullopt, {Protection::exec_trap}); }) == "none");
  CHECK(in_child([] { return chosen(os::Trap::trace, {Protection::bpf}); }) == "none");
  CHECK(in_child([] { return chosen(os::Trap::none); }) == "none: --engine-trap off was given");
}

TEST_CASE("without CAP_SYS_PTRACE both work for a tracer that may be the CLI's user") {
  CHECK(without_ptrace(std::nullopt, kCli) == "notify");
  CHECK(without_ptrace(os::Trap::notify, kCli) == "notify");
  CHECK(without_ptrace(os::Trap::trace, kCli) == "trace");
}

TEST_CASE("for one that may not, or is another user, neither works, and the words say why") {
  for (const std::optional<uid_t> as : {std::optional<uid_t>(), std::optional<uid_t>(kOther)}) {
    const std::string trace = without_ptrace(os::Trap::trace, as);
    CHECK(trace.starts_with("--engine-trap trace does not work here: trace a process"));
    CHECK(trace.find("EPERM") != std::string::npos);
    const std::string notify = without_ptrace(os::Trap::notify, as);
    CHECK(notify.starts_with("--engine-trap notify does not work here: "));
    CHECK(notify.find("memory of a trapped process") != std::string::npos);
    const std::string either = without_ptrace(std::nullopt, as);
    CHECK(either.starts_with("none: notify: "));
    CHECK(either.find("; trace: ") != std::string::npos);
  }
}

TEST_CASE("where the listener is taken, notify says so") {
  // The outer filter refuses ptrace as well: only the listener's half is tried here.
  const std::string notify = in_child([]() -> std::string {
    if (!take_listener_away()) return "cannot install a filter";
    return chosen(os::Trap::notify);
  });
  CHECK(notify ==
        "--engine-trap notify does not work here: install a seccomp filter: EBUSY "
        "(Device or resource busy)");
}
