#include "runner/parking.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "os/socket.h"
#include "os/text.h"
#include "runner/sandbox_protocol.h"

namespace runner {
namespace {

// More than this many sandboxes do not stay parked when a burst is over.
constexpr std::size_t kMostParked = 16;

// A parked sandbox says nothing before its job; a word or the end of the line means it failed.
bool alive(const os::Fd& job) {
  const auto message = os::receive_message(job.get(), sizeof(Report), MSG_DONTWAIT);
  return !message.ok() && message.error().code == EAGAIN;
}

}  // namespace

os::Result<os::Fd> Parking::park(const policy::Profile& profile) const {
  os::SocketPair job = TRY(os::seqpacket_pair());
  Park request{};
  request.magic = kParkMagic;
  request.own_pid_namespace = profile.pidns == policy::Profile::PidNs::command ? 1 : 0;
  request.filter = (profile.suid == policy::Profile::Suid::allow ? 1U : 0U) +
                   (profile.userns == policy::Profile::Userns::allow ? 2U : 0U);
  std::vector<int> fds{job.second.get()};
  const auto kind = kinds_.find(&profile);
  if (kind == kinds_.end())
    return os::Error{EINVAL, os::join("unknown profile '", profile.name, "'")};
  request.profile = kind->second.number;
  if (kind->second.ruleset.valid()) {
    request.landlock = 1;
    fds.push_back(kind->second.ruleset.get());
  }
  const std::string_view bytes(reinterpret_cast<const char*>(&request), sizeof request);
  TRY_STEP(os::send_message(spawner_, bytes, fds), "ask for a sandbox");
  return std::move(job.first);
}

os::Fd Parking::take_waiting(const policy::Profile& profile) {
  const std::lock_guard lock(mutex_);
  auto& waiting = parked_[&profile];
  while (!waiting.empty()) {
    // The one parked last: its memory is still in the CPU's caches.
    os::Fd job = std::move(waiting.back());
    waiting.pop_back();
    if (alive(job)) return job;
  }
  return {};
}

os::Result<os::SocketPair> Parking::take_line() {
  const std::lock_guard lock(mutex_);
  if (lines_.empty()) return os::seqpacket_pair();
  os::SocketPair line = std::move(lines_.back());
  lines_.pop_back();
  return line;
}

os::Result<Parked> Parking::take(const policy::Profile& profile) {
  os::Fd job = take_waiting(profile);
  if (!job.valid()) job = TRY(park(profile));
  os::SocketPair relay = TRY(take_line());
  return Parked{std::move(job), std::move(relay.first), std::move(relay.second)};
}

void Parking::give_back(const policy::Profile& profile, os::Fd job) {
  if (!alive(job)) return;
  const std::lock_guard lock(mutex_);
  auto& waiting = parked_[&profile];
  if (waiting.size() < kMostParked) waiting.push_back(std::move(job));
}

void Parking::refill(const policy::Profile& profile) {
  {
    const std::lock_guard lock(mutex_);
    while (lines_.size() < ready_) {
      auto line = os::seqpacket_pair();
      if (!line.ok()) break;  // the next take() reports it
      lines_.push_back(std::move(line).value());
    }
  }
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (parked_[&profile].size() >= ready_) return;
    }
    auto job = park(profile);
    if (!job.ok()) return;  // the next take() reports it
    const std::lock_guard lock(mutex_);
    parked_[&profile].push_back(std::move(job).value());
  }
}

void Parking::add_profile(const policy::Profile& profile, std::uint32_t number, os::Fd ruleset) {
  kinds_[&profile] = Kind{number, std::move(ruleset)};
}

}  // namespace runner
