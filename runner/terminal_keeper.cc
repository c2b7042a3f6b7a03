#include "runner/terminal_keeper.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "runner/pty_bridge.h"
#include "runner/sandbox.h"
#include "runner/sandbox_fds.h"

namespace runner::sandbox {
namespace {

constexpr int kMostMembers = 512;

// The process that serves one command.
struct Member {
  int link;  // 0: none
  pid_t group;
  std::int32_t caller;
  std::int32_t caller_group;
  bool asks;      // for a group, and has no answer yet
  bool answered;  // and has not started, or not yet said so
  bool started;   // and its main process has not ended
  bool foreground;
  bool stopping;  // ^Z was typed for it, and for others that have not been told
};

std::array<Member, kMostMembers> members;  // a child keeps none

bool any_in_foreground() {
  return std::any_of(members.begin(), members.end(),
                     [](const Member& member) { return member.link != 0 && member.foreground; });
}

// The group of the pty that stands for a group of callers; 0: none yet.
pid_t group_of(std::int32_t caller_group) {
  for (const Member& member : members) {
    if (member.link != 0 && member.started && member.caller_group == caller_group) {
      return member.group;
    }
  }
  return 0;
}

void say(const Member& member, TerminalWord word, std::int32_t value, std::int32_t caller = 0) {
  const TerminalNote note{word, value, caller, 0};
  ::send(member.link, &note, sizeof note, MSG_NOSIGNAL);
}

// Commands have a typed signal from the pty. Their callers' group may have others in it, the CLI
// itself or a shell's own part of a pipeline; to those a relay sends it. The members are told that
// it is no signal for their commands. One that has not started may not be in the pty's foreground
// yet: its relay passes the signal on.
void announce(const Member& by, int signal) {
  for (const Member& member : members) {
    if (member.link == 0 || &member == &by || !member.started) continue;
    if (member.caller_group == by.caller_group) say(member, kRaise, signal, by.caller);
  }
}

// True where a shell with job control made the callers' group for a command.
bool led_by_a_command(std::int32_t caller_group) {
  return std::any_of(members.begin(), members.end(), [&](const Member& member) {
    return member.link != 0 && member.caller == caller_group;
  });
}

// What others of the caller's group must do when the main process of `member` has stopped. An
// editor that takes ^Z as a key stops its group by itself, and whoever started it waits in that
// group.
bool others_must_stop(const Member& member, int signal) {
  if (signal != SIGTSTP) return false;
  if (!member.stopping && led_by_a_command(member.caller_group)) return false;
  for (Member& other : members) {
    if (other.caller_group == member.caller_group) other.stopping = false;
  }
  announce(member, signal);
  return true;
}

void set_foreground(Member& member, bool foreground) {
  member.foreground = foreground;
  if (foreground) {
    enter_raw();
    if (member.group != 0) set_foreground_group(member.group);
  } else if (!any_in_foreground()) {
    leave_raw();
  }
}

// One after the other: the first of a caller's group makes the group that the others join.
void answer_joins() {
  for (Member& member : members) {
    if (member.link == 0 || !member.asks) continue;
    const bool must_wait = std::any_of(members.begin(), members.end(), [&](const Member& other) {
      return other.link != 0 && other.answered && other.caller_group == member.caller_group;
    });
    if (must_wait) continue;
    member.asks = false;
    member.answered = true;
    say(member, kAnswer, group_of(member.caller_group));
  }
}

void on_word(Member& member, const TerminalNote& note) {
  switch (note.word) {
    case kJoin:
      member.caller = note.caller;
      member.caller_group = note.caller_group;
      member.asks = true;
      return set_foreground(member, note.value != 0);
    case kStarted:
      member.group = note.value;
      member.started = true;
      member.answered = false;
      return;
    case kForeground:
      set_foreground(member, note.value != 0);
      return say(member, kAnswer, 0);
    case kStopped:
      drain(false);
      set_foreground(member, false);
      return say(member, kAnswer, others_must_stop(member, note.value) ? 1 : 0);
    case kEnded:
      drain(note.value == 0);
      set_foreground(member, false);
      member.started = member.answered = member.stopping = false;
      return say(member, kAnswer, 0);
    case kSize:
      return copy_size();
    default:
      return;
  }
}

void on_link(Member& member) {
  TerminalNote note{};
  const ssize_t size = ::recv(member.link, &note, sizeof note, MSG_DONTWAIT);
  if (size == static_cast<ssize_t>(sizeof note)) return on_word(member, note);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  ::close(member.link);
  const bool was_foreground = member.foreground;
  member = {};
  drain(false);
  if (was_foreground && !any_in_foreground()) leave_raw();
}

bool is_typed(unsigned long typed, int signal) { return (typed >> (signal - 1) & 1) != 0; }

// The member whose relay sends signals to the callers' group that is in the foreground. One that
// has just started, and may have printed something, has not told its group yet.
const Member* speaker() {
  const pid_t group = foreground_group();
  const Member* just_started = nullptr;
  for (const Member& member : members) {
    if (member.link == 0 || !member.foreground) continue;
    if (member.started && member.group == group) return &member;
    if (member.answered) just_started = &member;
  }
  return just_started;
}

// ^C and its like are typed for everybody in the terminal's foreground. ^Z waits for a command that
// stops: until then the terminal's modes are not what others may find.
void raise_for_others(unsigned long typed) {
  const Member* by = speaker();
  if (by == nullptr) return;
  for (Member& member : members) {
    if (member.caller_group == by->caller_group) member.stopping = is_typed(typed, SIGTSTP);
  }
  for (const int signal : {SIGINT, SIGQUIT}) {
    if (!is_typed(typed, signal)) continue;
    announce(*by, signal);
    say(*by, kRaise, signal, by->caller);
  }
}

// A command that moves here, or nothing: then the line is closed.
int take_arrival(int& line) {
  char request[sizeof(SeatRequest)];
  int arrival = -1;
  int count = 0;
  const ssize_t size = receive_with_fds(line, request, sizeof request, &arrival, 1, count);
  if (size <= 0) {
    ::close(line);
    line = -1;
  }
  return count == 1 ? arrival : -1;
}

void reap_members() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

// One round. False when no member is left and nothing is on its way.
bool live_on(int line, bool& arrived) {
  pollfd entries[1 + kBridgeEntries + kMostMembers];
  entries[0] = {line, POLLIN, 0};
  prepare(entries + 1);
  constexpr nfds_t kFirst = 1 + kBridgeEntries;
  nfds_t count = kFirst;
  Member* polled[kMostMembers];
  for (Member& member : members) {
    if (member.link == 0) continue;
    polled[count - kFirst] = &member;
    entries[count++] = {member.link, POLLIN, 0};
  }
  if (count == kFirst) {
    drain(false);
    if (drained()) return false;
  }
  arrived = false;
  if (::poll(entries, count, -1) < 0) return true;
  if (const unsigned long typed = carry(entries + 1); typed != 0) raise_for_others(typed);
  for (nfds_t i = kFirst; i < count; ++i) {
    if (entries[i].revents != 0) on_link(*polled[i - kFirst]);
  }
  answer_joins();
  arrived = entries[0].revents != 0;
  return true;
}

}  // namespace

bool fork_member(int& link) {
  auto* free = std::find_if(members.begin(), members.end(),
                            [](const Member& member) { return member.link == 0; });
  int ends[2] = {-1, -1};
  if (free == members.end() || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return false;
  }
  const pid_t pid = ::fork();
  if (pid != 0) {
    ::close(ends[1]);
    if (pid < 0) {
      ::close(ends[0]);
    } else {
      *free = {};
      free->link = ends[0];
    }
    return false;
  }
  ::close(ends[0]);
  for (const Member& member : members) {
    if (member.link != 0) ::close(member.link);
  }
  leave_bridge();
  link = ends[1];
  return true;
}

void keep(int line, int& link, int& arrival) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);  // its children are
  bool arrived = false;
  while (live_on(line, arrived)) {
    reap_members();
    if (!arrived || (arrival = take_arrival(line)) < 0) continue;
    const SeatAnswer word = kSeatMove;
    ::send(arrival, &word, sizeof word, MSG_NOSIGNAL);
    if (fork_member(link)) {
      ::close(line);
      return;
    }
    ::close(arrival);
  }
  leave_raw();
  ::_exit(0);
}

}  // namespace runner::sandbox
