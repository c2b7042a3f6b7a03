#include "audit/actions.h"

#include <array>

namespace audit {
namespace {

// Sorted by action. Values of ECS 8 only; allow and deny are types, not outcomes.
constexpr std::array kTable = {
    ActionInfo{"enforcement", "state", "configuration", "info", "success"},
    ActionInfo{"event-malformed", "alert", "", "error", "failure"},
    ActionInfo{"events-dropped", "alert", "", "error", "failure"},
    ActionInfo{"exec-allowed", "event", "process", "allowed", "success"},
    ActionInfo{"exec-asked", "alert", "process", "info", "unknown"},
    ActionInfo{"exec-denied", "event", "process", "denied", "success"},
    ActionInfo{"exec-exited", "event", "process", "end", "unknown"},
    ActionInfo{"fd-withheld", "event", "process", "denied", "success"},
    ActionInfo{"log-repaired", "alert", "", "change", "success"},
    ActionInfo{"runner-restarted", "alert", "process", "start", "failure"},
    ActionInfo{"secret-withheld", "alert", "process", "denied", "success"},
    ActionInfo{"session-end", "event", "session", "end", "unknown"},
    ActionInfo{"session-start", "event", "session", "start", "success"},
    ActionInfo{"workspace-changed", "alert", "file", "change", "success"},
};
static_assert(kTable.size() == kActions);

}  // namespace

const ActionInfo* find_action(std::string_view action) {
  const std::size_t index = index_of(action);
  return index < kTable.size() ? &kTable[index] : nullptr;
}

std::size_t index_of(std::string_view action) {
  std::size_t index = 0;
  while (index < kTable.size() && kTable[index].action != action) ++index;
  return index;
}

std::span<const ActionInfo> all_actions() { return kTable; }

namespace {

Event exec_event(std::string_view action, const Exec& exec) {
  Event event(action);
  event.set("exec.id", exec.id)
      .set("exec.observed", exec.observed)
      .set("exec.route", exec.explicit_route ? "explicit" : "trap")
      .set("exec.verdict", exec.verdict)
      .set("process.args", exec.argv)
      .set("process.args_count", exec.argv.size())
      .set("process.executable", exec.path)
      .set("process.parent.pid", exec.pid)
      .set("process.working_directory", exec.cwd)
      .set("rule.id", exec.rule);
  if (!exec.profile.empty()) event.set("exec.profile", exec.profile);
  return event;
}

}  // namespace

Event exec_allowed(const Exec& exec) { return exec_event("exec-allowed", exec); }

Event exec_asked(const Exec& exec, std::uint64_t timeout_seconds) {
  Event event = exec_event("exec-asked", exec);
  event.set("exec.timeout_seconds", timeout_seconds);
  return event;
}

Event exec_denied(const Exec& exec, std::string_view reason) {
  Event event = exec_event("exec-denied", exec);
  event.set("event.reason", reason);
  return event;
}

Event exec_exited(const ExecEnd& end) {
  Event event("exec-exited");
  event.set("exec.id", end.id)
      .set("process.parent.pid", end.pid)
      .set("exec.duration_us", end.duration_us)
      .set("exec.user_us", end.user_us)
      .set("exec.system_us", end.system_us)
      .set("exec.max_rss_kb", end.max_rss_kb)
      .set("exec.timed_out", end.timed_out);
  if (end.exit_code) event.set("process.exit_code", *end.exit_code);
  if (end.signal) event.set("exec.signal", *end.signal);
  return event;
}

Event secret_withheld(std::uint64_t exec_id, std::string_view where, std::string_view name) {
  Event event("secret-withheld");
  event.set("exec.id", exec_id).set("secret.where", where);
  if (!name.empty()) event.set("secret.variable", name);
  return event;
}

Event fd_withheld(std::uint64_t exec_id, int fd, std::string_view reason) {
  Event event("fd-withheld");
  event.set("exec.id", exec_id).set("descriptor.number", fd).set("event.reason", reason);
  return event;
}

Event enforcement(std::span<const std::pair<std::string, std::string>> levels) {
  Event event("enforcement");
  for (const auto& [protection, level] : levels) event.set("enforcement." + protection, level);
  return event;
}

Event session_start(const SessionStart& start) {
  Event event("session-start");
  event.set("session.name", start.name)
      .set("session.agent", start.agent)
      .set("session.engine", start.engine)
      .set("session.policy", start.policy)
      .set("session.observe", start.observe)
      .set("session.version", start.version)
      .set("session.workspace", start.workspace);
  return event;
}

Event session_end(const SessionEnd& end) {
  Event event("session-end");
  event.set("session.duration_ms", end.duration_ms)
      .set("session.execs_allowed", end.execs_allowed)
      .set("session.execs_denied", end.execs_denied)
      .set("session.execs_exited", end.execs_exited)
      .set("process.exit_code", end.exit_code)
      .set("event.reason", end.reason);
  return event;
}

Event runner_restarted(pid_t old_pid, pid_t new_pid, unsigned restarts, unsigned answered,
                       std::string_view how_it_ended) {
  Event event("runner-restarted");
  event.set("runner.old_pid", old_pid)
      .set("process.pid", new_pid)
      .set("runner.restarts", restarts)
      .set("runner.answered", answered)
      .set("event.reason", how_it_ended);
  return event;
}

Event workspace_changed(const WorkspaceChanged& change) {
  Event event("workspace-changed");
  event.set("file.path", change.path)
      .set("workspace.at_end", change.at_end)
      .set("workspace.undone", change.undone)
      .set("workspace.what", change.what);
  if (!change.how.empty()) event.set("workspace.how", change.how);
  if (!change.key.empty()) {
    event.set("workspace.key", change.key).set("workspace.value", change.value);
  }
  return event;
}

}  // namespace audit
