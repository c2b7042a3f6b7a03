#include "init/status.h"

namespace init {
namespace {

using Clock = std::chrono::steady_clock;

ControlRecord process(std::string_view name, pid_t pid, Clock::time_point started) {
  ControlRecord record;
  record.kind = RecordKind::process;
  record.set_name(name);
  record.pid = pid;
  record.uptime_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started).count());
  return record;
}

ControlRecord service(std::string_view name, const ServiceFacts& facts) {
  ControlRecord record = process(name, facts.child->pid(), facts.started);
  record.restarts = facts.restarts;
  if (!facts.child->running()) record.state = ProcessState::backoff;
  return record;
}

ControlRecord word(RecordKind kind, std::string_view name, std::string_view value) {
  ControlRecord record;
  record.kind = kind;
  record.set_name(name);
  record.set_value(value);
  return record;
}

}  // namespace

std::vector<ControlRecord> status_records(const Live& live, const ServiceFacts& auditd,
                                          const ServiceFacts& runner) {
  std::vector<ControlRecord> records{
      service("agent-auditd", auditd),
      process("agent-sandbox", live.spawner.pid(), live.started),
      service("agent-task-runnerd", runner),
      process(live.host->agent.name, live.cli.pid, live.started),
      process("cli-init", live.cli.init.pid(), live.started),
  };
  if (live.channel_process.running()) {
    records.push_back(process("agent-channel", live.channel_process.pid(), live.started));
  }
  for (const auto& [name, level] : words(live.levels, live.cli.protections.trap)) {
    records.push_back(word(RecordKind::protection, name, level));
  }
  for (const MountWay& mount : live.mounts.ways) {
    records.push_back(word(RecordKind::mount, mount.path, way_name(mount.way)));
  }
  return records;
}

}  // namespace init
