#include "runner/job_message.h"

#include <algorithm>
#include <cstring>

#include "os/socket.h"

namespace runner {
namespace {

// Fits the socket's buffer and the sandbox's.
constexpr std::size_t kInlineBytes = std::size_t{100} * 1024;
constexpr std::uint64_t kMebibyte = 1 << 20;

void append(std::string& out, std::string_view text) {
  out.append(text);
  out += '\0';
}

std::uint64_t limit(const std::optional<std::uint64_t>& value, std::uint64_t unit = 1) {
  return value.has_value() ? *value * unit : kNoLimit;
}

void set_limits(Job& job, const policy::Limits& limits) {
  job.wall_seconds = limit(limits.wall_seconds);
  job.rlimits[0] = limit(limits.cpu_seconds);
  job.rlimits[1] = limit(limits.memory_mb, kMebibyte);
  job.rlimits[2] = limit(limits.processes);
  job.rlimits[3] = limit(limits.open_files);
  job.rlimits[4] = limit(limits.file_size_mb, kMebibyte);
}

void set_private_filesystems(Job& job, const Session& session) {
  constexpr std::size_t kMost = std::size(Job{}.private_devs);
  for (const auto* list : {&session.secret_devs, &session.cli_devs}) {
    for (const dev_t dev : *list) {
      if (job.private_dev_count < kMost) job.private_devs[job.private_dev_count++] = dev;
    }
    if (list == &session.secret_devs) job.secret_dev_count = job.private_dev_count;
  }
}

}  // namespace

os::Status send_job(const Parked& parked, const JobSpec& spec, const policy::Profile& profile,
                    const Session& session) {
  Job job{};
  job.magic = kJobMagic;
  job.kind = spec.kind;
  job.asked_by_command = spec.asked_by_command ? 1 : 0;
  job.argc = static_cast<std::uint32_t>(spec.argv.size());
  job.envc = static_cast<std::uint32_t>(spec.env.size());
  job.signal_mask = spec.signal_mask;
  // `/` and HOME are other directories in the CLI's tree by design: entered by path alone.
  if (std::find(session.structural_devs.begin(), session.structural_devs.end(), spec.cwd_id.dev) ==
      session.structural_devs.end()) {
    job.cwd_dev = spec.cwd_id.dev;
    job.cwd_ino = spec.cwd_id.ino;
  }
  job.kill_at_exit = profile.on_exit == policy::Profile::OnExit::kill ? 1 : 0;
  set_limits(job, profile.limits);
  set_private_filesystems(job, session);

  std::string strings;
  append(strings, spec.cwd);
  append(strings, spec.path);
  append(strings, spec.message);
  for (const std::string& argument : spec.argv) append(strings, argument);
  for (const std::string& variable : spec.env) append(strings, variable);
  job.bytes = strings.size();
  os::Fd file;
  std::vector<int> fds{parked.sandbox.get()};
  if (strings.size() > kInlineBytes) {
    file = TRY(os::memory_file("job", strings));
    fds.push_back(file.get());
    job.in_memory_file = 1;
    strings.clear();
  }
  std::string message(reinterpret_cast<const char*>(&job), sizeof job);
  message += strings;
  return os::send_message(parked.job.get(), message, fds);
}

}  // namespace runner
