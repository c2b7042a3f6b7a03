// What the parts of the runner share, and the steps that the trap and the explicit route have in
// common.
#pragma once

#include <memory>
#include <string>

#include "audit/actions.h"
#include "audit/client.h"
#include "os/fd.h"
#include "policy/exec_policy.h"
#include "runner/asks.h"
#include "runner/collector.h"
#include "runner/daemon.h"
#include "runner/exec_copy.h"
#include "runner/job_message.h"
#include "runner/parking.h"
#include "runner/relay_ends.h"

namespace runner {

/// One command on its way: who asked, what for, what was decided.
struct Order {
  std::uint64_t id = 0;
  pid_t caller = 0;
  policy::ExecRequest request;
  policy::Verdict verdict;
};

struct Context {
  Context(const Session& the_session, const Channels& the_channels, os::Fd the_proc,
          os::FileId the_relay);

  const Session& session;
  const Channels& channels;
  audit::Client audit;
  Parking parking;
  Collector collector;
  Asks asks;
  RelayEnds relay_ends;
  os::Fd proc;  // /proc of PID 1's namespace, O_PATH
  TaskFiles files;
  os::FileId relay_id;

  std::uint64_t next_id() { return channels.slots->next_exec_id.fetch_add(1); }
  /// The verdict's profile; the policy's reader has checked that it exists.
  const policy::Profile& profile(const policy::Verdict& verdict) const;
};

/// Everything a Context owns, opened.
os::Result<std::unique_ptr<Context>> make_context(const Session& session, const Channels& channels);

/// Turns a run into a deny where an argument holds one of the session's secrets, and a stub into a
/// deny where there is no such stub.
void tighten(const Context& context, Order& order);

/// Makes a verdict `ask` what the answer says, with a reason that tells how it came about.
void settle(policy::Verdict& verdict, Answer answer);
/// A denial because no answer could be had.
void settle(policy::Verdict& verdict, std::string_view why_not);

/// Records that a question is open.
os::Status record_question(const Context& context, const Order& order);

/// Records the verdict; without a record nothing may happen. `reason` only for denials.
os::Status record(const Context& context, const Order& order);

/// The job for a command that runs, its environment filtered (withheld secrets become events), or
/// for one that is refused with the line of refusal_line().
JobSpec job_for(const Context& context, const Order& order);

/// `agent-task-runner: denied by rule 'RULE': REASON` and a newline.
std::string refusal_line(const policy::Verdict& verdict);

/// What the collector is told.
JobInfo info_for(const Order& order);

}  // namespace runner
