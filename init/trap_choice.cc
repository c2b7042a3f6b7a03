#include "init/trap_choice.h"

#include <fcntl.h>
#include <linux/limits.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>

#include "init/child_error.h"
#include "init/enforcement.h"
#include "init/users.h"
#include "os/capabilities.h"
#include "os/child.h"
#include "os/creds.h"
#include "os/exec_storm.h"
#include "os/foreign_memory.h"
#include "os/listener.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/socket.h"
#include "os/text.h"
#include "os/tracer.h"
#include "runner/redirect.h"

namespace init {
namespace {

using os::Error;
using os::join;
using os::Result;
using os::Status;

constexpr char kProgram[] = "/bin/true";  // is never looked up
constexpr std::chrono::milliseconds kLongest{10000};
constexpr int kTries = 200;    // to receive an exec that no signal takes back
constexpr int kAnswer = EDOM;  // no exec fails so by itself

// What the process under the filter tells: that it is ready, with the listener, then how its exec
// came out.
constexpr std::string_view kReady = "ready";
constexpr std::string_view kReplaced = "replaced";
constexpr std::string_view kAnswered = "answered";

// An Error without a number has been put into words by another process.
std::string words_of(const Error& error) { return error.code == 0 ? error.step : error.text(); }

std::string_view word_for(const os::StormedExec& exec) {
  if (exec.ended_by == SIGKILL) return kReplaced;  // a relay without a sandbox
  return exec.failed_with == kAnswer ? kAnswered : "not answered";
}

// The process whose exec is trapped, as the CLI's is. It waits for the go with its exec.
Status run_trapped(os::Trap trap, std::optional<uid_t> trace_as, int socket) {
  TRY(os::become_powerless(kAgentCli, kAgentCli));
  if (trace_as) TRY(os::offer_to_tracers());
  const os::Filter filter =
      TRY(os::cli_filter({.trap = trap, .stays_dumpable = trace_as.has_value()}));
  os::Fd listener;
  if (trap == os::Trap::notify) {
    listener = TRY(os::install_listener(filter));
  } else {
    TRY(os::install_filter(filter));
  }
  const int fds[] = {listener.get()};
  TRY(os::send_message(socket, kReady, std::span(fds).first(listener.valid() ? 1 : 0)));
  listener.reset();
  const os::Message go = TRY(os::receive_message(socket, 64));
  if (go.end) return Error{EPIPE, "wait for the go"};
  os::withdraw_offer();
  return os::send_message(socket, word_for(TRY(os::exec_in_storm(kProgram))));
}

struct Trapped {
  os::Child process;
  os::Fd socket;
  os::Fd listener;
};

Result<Trapped> start_trapped(os::Trap trap, std::optional<uid_t> trace_as) {
  os::SocketPair pair = TRY(os::seqpacket_pair());
  Trapped trapped;
  trapped.process = TRY(os::Child::start(0, [&]() -> int {
    pair.first.reset();
    const Status ran = run_trapped(trap, trace_as, pair.second.get());
    if (!ran.ok()) static_cast<void>(os::send_message(pair.second.get(), ran.error().text()).ok());
    return 0;
  }));
  pair.second.reset();
  os::Message ready = TRY(os::receive_message(pair.first.get()));
  if (ready.bytes != kReady) return Error{0, std::move(ready.bytes)};
  if (!ready.fds.empty()) trapped.listener = std::move(ready.fds.front());
  trapped.socket = std::move(pair.first);
  return trapped;
}

Status expect_word(const Trapped& trapped, std::string_view wanted) {
  const os::Message message = TRY(os::receive_message(trapped.socket.get()));
  if (message.bytes == wanted) return {};
  return Error{0, join("the trapped exec was ", message.end ? "lost" : message.bytes)};
}

// Redirects one exec; false when a signal was faster.
Result<bool> redirect(const Trapped& trapped, const runner::TaskFiles& files, int relay,
                      seccomp_notif& slot) {
  TRY(os::receive(trapped.listener.get(), slot));
  os::Pending pending(trapped.listener.get(), slot);
  runner::ExecCopy copy;
  const auto& arguments = pending.notification().data.args;
  os::ForeignMemory memory(static_cast<pid_t>(slot.pid), files.as());
  const auto path = memory.string(arguments[0], PATH_MAX);
  if (!pending.still_valid()) return false;
  if (!path.ok()) return Error{path.error().code, "read the memory of a trapped process"};
  copy.path_end = arguments[0] + path.value().size();
  copy.argv = arguments[1];
  copy.envp = arguments[2];
  os::SocketPair sandbox = TRY(os::seqpacket_pair());
  const os::FileId relay_id = TRY(os::file_id(relay));
  const auto result = runner::become_relay(std::move(pending), files, copy,
                                           {relay, relay_id, sandbox.first.get(), kAgentCli});
  if (result.how == runner::Redirected::done) return true;
  if (result.how == runner::Redirected::gone) return false;
  return Error{EPERM, "replace the program of a trapped process"};
}

Status notify_in_child(int relay, std::optional<uid_t> trace_as) {
  const os::Fd proc = TRY(os::open_file("/proc", O_PATH));
  const runner::TaskFiles files(proc.get(), trace_as);
  const Trapped trapped = TRY(start_trapped(os::Trap::notify, trace_as));
  TRY(os::send_message(trapped.socket.get(), "go"));
  seccomp_notif slot{};
  for (int tries = 0; tries < kTries; ++tries) {
    if (TRY(redirect(trapped, files, relay, slot))) return expect_word(trapped, kReplaced);
  }
  return Error{EINTR, "replace the program of a process that gets signals"};
}

// An exec of which not all can be seen gets no answer of ours.
void refuse_exec(const os::TracedTask& task, const runner::TaskFiles& files) {
  const auto registers = task.registers();
  if (!registers.ok()) return;
  os::ForeignMemory memory(task.tid(), files.as());
  const auto path = memory.string(os::call_of(registers.value()).args[0], PATH_MAX);
  if (!path.ok() || path.value() != kProgram || !files.id(task.tid(), "cwd").ok()) return;
  static_cast<void>(task.set_registers(os::as_returned(registers.value(), -kAnswer)).ok());
}

// Lets the tree run to its end and answers its execs.
Status trace_to_end(int halts, const runner::TaskFiles& files) {
  for (;;) {
    const auto halted = os::next_halt();
    if (!halted.ok()) return {};
    if (!halted.value()) {
      os::await_halts(halts);
      continue;
    }
    const os::TracedTask task(halted.value()->tid);
    const os::Halt halt = halted.value()->halt;
    if (halt.kind == os::Halt::Kind::gone) continue;
    if (halt.kind == os::Halt::Kind::seccomp) refuse_exec(task, files);
    static_cast<void>(task.resume(halt.kind == os::Halt::Kind::signalled ? halt.signal : 0).ok());
  }
}

Status trace_in_child(std::optional<uid_t> trace_as) {
  const os::Fd halts = TRY(os::halts_descriptor());
  const os::Fd proc = TRY(os::open_file("/proc", O_PATH));
  const runner::TaskFiles files(proc.get(), trace_as);
  const Trapped trapped = TRY(start_trapped(os::Trap::trace, trace_as));
  const Status seized = os::seize_tree(trapped.process.pid(), trace_as);
  if (!seized.ok()) {
    return Error{seized.error().code,
                 trace_as
                     ? "trace a process without CAP_SYS_PTRACE (which kernel.yama.ptrace_scope "
                       "allows up to 1)"
                     : "trace a process"};
  }
  TRY(os::send_message(trapped.socket.get(), "go"));
  TRY(trace_to_end(halts.get(), files));
  return expect_word(trapped, kAnswered);
}

// In a process of its own: waits there are for any child, and whatever goes wrong ends with it.
Status try_in_child(const std::function<Status()>& body) {
  os::Pipe errors = TRY(os::make_pipe());
  os::Child child = TRY(os::Child::start(0, [&]() -> int {
    errors.read_end.reset();
    const Status done = body();
    if (!done.ok()) send_error(errors.write_end.get(), done.error());
    os::exit_now(done.ok() ? 0 : 1);
  }));
  errors.write_end.reset();
  const bool ended = os::wait_readable(child.pidfd(), kLongest);
  if (!ended) static_cast<void>(child.signal(SIGKILL).ok());
  const os::ExitStatus status = TRY(child.wait());
  if (!ended) return Error{ETIMEDOUT, "try an exec"};
  if (status == os::ExitStatus{}) return {};
  if (auto error = await_error(errors.read_end.get())) return *error;
  return Error{0, join("the process that tried ended: ", status.text())};
}

}  // namespace

Status try_notify(int relay, std::optional<uid_t> trace_as) {
  return try_in_child([&] { return notify_in_child(relay, trace_as); });
}

Status try_trace(std::optional<uid_t> trace_as) {
  return try_in_child([&] { return trace_in_child(trace_as); });
}

Result<TrapChoice> choose_trap(std::optional<os::Trap> wanted,
                               std::span<const policy::Protection> hidden, int relay,
                               std::optional<uid_t> trace_as) {
  if (!offered(policy::Protection::bpf, hidden) ||
      !offered(policy::Protection::exec_trap, hidden)) {
    return TrapChoice{};
  }
  if (wanted == os::Trap::none) return TrapChoice{os::Trap::none, "--engine-trap off was given"};
  std::string tried;
  for (const os::Trap trap : {os::Trap::notify, os::Trap::trace}) {
    if (wanted && *wanted != trap) continue;
    const Status works =
        trap == os::Trap::notify ? try_notify(relay, trace_as) : try_trace(trace_as);
    if (works.ok()) return TrapChoice{trap, {}};
    const std::string why = words_of(works.error());
    if (wanted) return Error{0, join("--engine-trap ", name(trap), " does not work here: ", why)};
    os::note(join("the exec trap's engine ", name(trap), " does not work here: ", why));
    tried += join(tried.empty() ? "" : "; ", name(trap), ": ", why);
  }
  return TrapChoice{os::Trap::none, std::move(tried)};
}

}  // namespace init
