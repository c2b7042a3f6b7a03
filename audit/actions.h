// The actions of a session and the events that carry them, complete.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "audit/event.h"

namespace audit {

/// How an action is classified in ECS; one table in actions.cc.
struct ActionInfo {
  std::string_view action;
  std::string_view kind;      // event, alert, state
  std::string_view category;  // empty where none of ECS fits
  std::string_view type;
  std::string_view outcome;  // success, failure, unknown
};

/// nullptr for an action that nobody defined.
const ActionInfo* find_action(std::string_view action);
std::span<const ActionInfo> all_actions();
inline constexpr std::size_t kActions = 14;
/// Its place in all_actions(); kActions for one that nobody defined.
std::size_t index_of(std::string_view action);

/// What every event of one exec says: `id` is the same in all of them. Texts are borrowed until the
/// event is made; the same for the other structs here.
struct Exec {
  std::uint64_t id = 0;
  pid_t pid = 0;  // the caller, as PID 1 sees it
  std::string_view path;
  std::span<const std::string> argv;
  std::string_view cwd;
  std::string_view verdict;  // run, self, stub, ask, deny
  std::string_view rule;
  std::string_view profile;  // may be empty
  bool observed = false;
  bool explicit_route = false;
};

struct ExecEnd {
  std::uint64_t id = 0;
  pid_t pid = 0;
  std::optional<int> exit_code;  // one of the two
  std::optional<int> signal;
  std::uint64_t duration_us = 0;
  std::uint64_t user_us = 0;
  std::uint64_t system_us = 0;
  std::uint64_t max_rss_kb = 0;
  bool timed_out = false;
};

Event exec_allowed(const Exec& exec);
/// A question is open: `exec.id` is what `supervisorctl answer` takes.
Event exec_asked(const Exec& exec, std::uint64_t timeout_seconds);
Event exec_denied(const Exec& exec, std::string_view reason);
Event exec_exited(const ExecEnd& end);

/// A secret's value was found in what a command would have been given, and taken out. `where` is
/// `environment` (name: the variable) or `arguments` (name: empty).
Event secret_withheld(std::uint64_t exec_id, std::string_view where, std::string_view name);

/// A descriptor was closed instead of passed. `reason` is a word: directory, private, proc, …
Event fd_withheld(std::uint64_t exec_id, int fd, std::string_view reason);

/// `levels`: protection and what is enforced of it (full, partial, none), in any order.
Event enforcement(std::span<const std::pair<std::string, std::string>> levels);

struct SessionStart {
  std::string_view name;
  std::string_view agent;
  std::string_view engine;
  std::string_view policy;   // file or shipped name
  std::string_view version;  // of agent-init
  std::string_view workspace;
  bool observe = false;
};
Event session_start(const SessionStart& start);

struct SessionEnd {
  int exit_code = 0;
  std::string_view reason;  // a word: cli-exited, cli-signaled, runner-lost, tracer-lost, …
  std::uint64_t duration_ms = 0;
  // Of the session's events exec-allowed, exec-denied and exec-exited.
  std::uint64_t execs_allowed = 0;
  std::uint64_t execs_denied = 0;
  std::uint64_t execs_exited = 0;
};
Event session_end(const SessionEnd& end);

/// `answered`: notifications that the dead runner left and PID 1 answered.
Event runner_restarted(pid_t old_pid, pid_t new_pid, unsigned restarts, unsigned answered,
                       std::string_view how_it_ended);

struct WorkspaceChanged {
  std::string_view path;  // inside the session
  std::string_view
      what;  // git-config, git-hook, git-attributes, git-dir, host-tool, not-all-looked-at
  std::string_view key;    // of a git config; empty: the file as a whole
  std::string_view value;  // what the key was set to
  std::string_view how;    // new, changed, removed; empty where none of them fits
  bool undone = false;
  bool at_end = false;  // found when the session was over
};
Event workspace_changed(const WorkspaceChanged& change);

}  // namespace audit
