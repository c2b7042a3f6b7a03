#include "runner/exec_trap.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "os/creds.h"
#include "os/foreign_memory.h"
#include "os/lookup.h"
#include "os/text.h"
#include "os/thread.h"
#include "os/tracee.h"
#include "runner/resolve.h"

namespace runner {

// One exec between its reception and its answer.
struct ExecTrap::Walk {
  TrappedCall* call;
  std::unique_ptr<TrappedCall> kept;  // the call, once nobody else has it
  ExecCopy copy;
  Order order;
};

void ExecTrap::walk(TrappedCall& call) {
  Order order;
  order.caller = call.tid();
  os::ForeignMemory memory(order.caller, context_.session.trace_as);
  auto located =
      copy_location(order.caller, call.data(), memory, context_.files, context_.session.cli_uid);
  if (!located.ok()) return call.refuse(located.error().code);
  ExecCopy copy = std::move(located).value();
  const bool own_file = names_own_file(copy, order.caller);
  const int root = context_.channels.task_root;
  const auto file = look_up_program(root, copy.request.path, copy.no_follow);
  if (!file.ok() && !own_file) return call.refuse(file.error().code);

  const auto copied = copy_rest(order.caller, memory, context_.files, copy);
  if (!copied.ok()) return call.refuse(copied.error().code);
  // Only now is it certain that all of it came from the caller.
  if (!call.still_valid()) return call.refuse(EINTR);

  copy.request.own_program = own_file && used_as_own(copy, copy.request.argv, copy.request.env);
  order.verdict = policy::decide(context_.session.policy->exec, copy.request);
  if (order.verdict.action != policy::Action::self) {
    if (!file.ok()) return call.refuse(file.error().code);
    const auto good =
        check_program(root, file.value(), copy.request.path, copy.request.cwd, copy.closes);
    if (!good.ok()) return call.refuse(good.error().code);
  }
  order.id = context_.next_id();
  order.request = copy.request;
  tighten(context_, order);
  go_on(Walk{&call, nullptr, std::move(copy), std::move(order)});
}

void ExecTrap::go_on(Walk walk) {
  if (walk.order.verdict.action == policy::Action::ask) {
    const auto answer = context_.asks.remembered(walk.order.verdict, walk.order.request);
    if (!answer.has_value()) {
      // Waiting must not keep a worker: the question gets a thread of its own.
      walk.kept = walk.call->keep();
      walk.call = walk.kept.get();
      const auto waiting = std::make_shared<Walk>(std::move(walk));
      // If there is no thread to be had, dropping the walk answers EIO.
      (void)os::start_thread([this, waiting] { wait_for_answer(std::move(*waiting)); });
      return;
    }
    settle(walk.order.verdict, *answer ? Answer::yes : Answer::no);
  }
  policy::Verdict& verdict = walk.order.verdict;
  if (!record(context_, walk.order).ok()) return walk.call->refuse(EIO);
  if (verdict.action == policy::Action::self) return run_itself(std::move(walk));
  if (verdict.action == policy::Action::deny && verdict.silent) {
    return walk.call->refuse(EACCES);
  }
  run_command(std::move(walk));
}

void ExecTrap::wait_for_answer(Walk walk) {
  const auto as_task = os::FsUser::enter(context_.session.task_uid, context_.session.task_uid);
  if (!as_task.ok()) return;  // the dropped call is answered EIO
  Order& order = walk.order;
  if (!context_.asks.open(order.id, order.verdict, order.request)) {
    settle(order.verdict, os::join(Asks::kMostOpen, " other questions are open"));
    return go_on(std::move(walk));
  }
  // A question that is not in the log is not asked: whoever watches the log would not know of it.
  const bool recorded = record_question(context_, order).ok();
  const auto waits = [&] { return recorded && walk.call->still_valid(); };
  const Answer answer = context_.asks.wait(order.id, waits);
  if (answer == Answer::gone || !walk.call->still_valid())
    return;  // the dropped call is answered EIO
  settle(order.verdict, answer);
  go_on(std::move(walk));
}

void ExecTrap::run_command(Walk walk) {
  const policy::Profile& profile = context_.profile(walk.order.verdict);
  auto parked = context_.parking.take(profile);
  if (!parked.ok()) return walk.call->refuse(EIO);
  Parked sandbox = std::move(parked).value();
  const Redirect redirect = walk.call->become_relay(walk.copy, sandbox.relay);
  sandbox.relay.reset();  // from here on its end means the end of the relay
  if (redirect.how != Redirected::done) {
    context_.parking.give_back(profile, std::move(sandbox.job));
    return;
  }
  JobSpec job = job_for(context_, walk.order);
  job.cwd_id = walk.copy.cwd;
  job.signal_mask = redirect.signal_mask;
  if (job.kind == kJobRun) job.path = walk.copy.given;
  if (send_job(sandbox, job, profile, context_.session).ok()) {
    context_.collector.add(std::move(sandbox.job), profile, info_for(walk.order));
  }
  context_.parking.refill(profile);
}

void ExecTrap::run_itself(Walk walk) {
  const ExecCopy& copy = walk.copy;
  walk.call->become_itself([&](pid_t tid) { return verify_itself(tid, copy); });
}

bool ExecTrap::is_own(os::FileId file) const {
  const auto& own = context_.session.own_programs;
  return std::find(own.begin(), own.end(), file) != own.end();
}

bool ExecTrap::names_own_file(const ExecCopy& copy, pid_t caller) const {
  if (context_.session.own_programs.empty()) return false;
  if (copy.own_exe) {
    const auto file = context_.files.id(caller, "exe");
    return file.ok() && is_own(file.value());
  }
  const auto opened = os::open_in_root(context_.channels.cli_root, copy.request.path, O_PATH);
  if (!opened.ok()) return false;
  const auto file = os::file_id(opened.value().get());
  return file.ok() && is_own(file.value());
}

bool ExecTrap::used_as_own(const ExecCopy& copy, const std::vector<std::string>& argv,
                           const std::vector<std::string>& env) const {
  const std::string path = copy.own_exe ? "/proc/self/exe" : copy.request.path;
  return policy::self_allowed(*context_.session.agent_rules, path, argv, env);
}

// The new image's memory is private and no instruction of it has run: what is on its stack now is
// what the program will see, whatever the caller's threads did to the copy it was made from.
bool ExecTrap::verify_itself(pid_t tid, const ExecCopy& copy) const {
  constexpr std::size_t kMost = 8 << 20;
  const auto file = context_.files.id(tid, "exe");
  if (!file.ok() || !is_own(file.value())) return false;
  const auto stack = os::stack_pointer_of(tid);
  if (!stack.ok()) return false;
  // argc, argv…, NULL, envp…, NULL: the System V ABI's initial stack.
  constexpr std::uint64_t kWord = sizeof(std::uint64_t);
  os::ForeignMemory memory(tid, context_.session.trace_as);
  const auto argv = memory.strings(stack.value() + kWord, kMost);
  if (!argv.ok()) return false;
  const auto env = memory.strings(stack.value() + (argv.value().size() + 2) * kWord, kMost);
  if (!env.ok()) return false;
  return used_as_own(copy, argv.value(), env.value());
}

}  // namespace runner
