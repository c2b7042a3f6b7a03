#include "runner/context.h"

#include <fcntl.h>

#include <cerrno>

#include "os/landlock.h"
#include "os/text.h"

namespace runner {
namespace {

constexpr std::size_t kParkedPerProfile = 3;

bool holds_secret(const SecretValues& secrets, const policy::ExecRequest& request) {
  if (secrets.empty()) return false;
  if (secrets.found_in(request.path)) return true;
  for (const std::string& argument : request.argv) {
    if (secrets.found_in(argument)) return true;
  }
  return false;
}

std::vector<std::string> environment_for(const Context& context, const Order& order,
                                         const policy::Profile& profile) {
  auto env = policy::filter_env(profile.env, order.request.env);
  const SecretValues& secrets = context.session.secrets;
  if (secrets.empty()) return env;
  std::erase_if(env, [&](const std::string& entry) {
    if (!secrets.found_in(entry)) return false;
    context.audit.offer(audit::secret_withheld(order.id, "environment", policy::env_name(entry)));
    return true;
  });
  return env;
}

// Profiles with a `write` list bind their sandboxes to a ruleset. Its rules sit on the directories
// of the task tree, which this process sees through a descriptor only.
os::Result<os::Fd> ruleset_of(const Context& context, const policy::Profile& profile) {
  if (profile.write.empty()) return os::Fd{};
  const std::string root = os::join("/proc/self/fd/", context.channels.task_root);
  std::vector<std::string> paths{root + "/dev"};
  for (const std::string& path : profile.write) paths.push_back(root + path);
  return os::write_only_below(paths);
}

os::Status add_profiles(Context& context) {
  std::uint32_t number = 0;
  for (const auto& [name, profile] : context.session.policy->profiles) {
    os::Fd ruleset =
        TRY_STEP(ruleset_of(context, profile), os::join("profile '", name, "': write"));
    context.parking.add_profile(profile, ++number, std::move(ruleset));
  }
  return {};
}

audit::Exec exec_of(const Order& order) {
  const policy::Verdict& verdict = order.verdict;
  audit::Exec exec;
  exec.id = order.id;
  exec.pid = order.caller;
  exec.path = order.request.path;
  exec.argv = order.request.argv;
  exec.cwd = order.request.cwd;
  exec.verdict = policy::name(verdict.action);
  exec.rule = verdict.rule;
  exec.profile = verdict.profile;
  exec.observed = verdict.observed;
  exec.explicit_route = order.request.explicit_route;
  return exec;
}

}  // namespace

Context::Context(const Session& the_session, const Channels& the_channels, os::Fd the_proc,
                 os::FileId the_relay)
    : session(the_session),
      channels(the_channels),
      audit(channels.audit, channels.audit_state, &session.secrets),
      parking(channels.spawner, kParkedPerProfile),
      collector(audit, parking),
      proc(std::move(the_proc)),
      files(proc.get(), session.trace_as),
      relay_id(the_relay) {}

const policy::Profile& Context::profile(const policy::Verdict& verdict) const {
  const auto& profiles = session.policy->profiles;
  const auto found = profiles.find(verdict.profile);
  // A denial has no profile: its line is printed from a sandbox of the default one.
  return found != profiles.end() ? found->second
                                 : profiles.find(session.policy->exec.default_profile)->second;
}

os::Result<std::unique_ptr<Context>> make_context(const Session& session,
                                                  const Channels& channels) {
  os::Fd proc = TRY(os::open_file("/proc", O_PATH | O_DIRECTORY));
  const os::FileId relay_id = TRY(os::file_id(channels.relay));
  auto context = std::make_unique<Context>(session, channels, std::move(proc), relay_id);
  TRY(context->collector.open());
  TRY(context->relay_ends.open());
  TRY(add_profiles(*context));
  return context;
}

void tighten(const Context& context, Order& order) {
  policy::Verdict& verdict = order.verdict;
  if (verdict.action == policy::Action::stub) {
    verdict.action = policy::Action::deny;
    verdict.reason = os::join("no stub '", verdict.stub, "' is running");
  }
  if (verdict.action == policy::Action::deny || verdict.action == policy::Action::self) return;
  if (!holds_secret(context.session.secrets, order.request)) return;
  verdict.action = policy::Action::deny;
  verdict.rule = "secret-in-arguments";
  verdict.reason = "an argument holds a secret of this session; commands are not given secrets";
  verdict.silent = false;
  context.audit.offer(audit::secret_withheld(order.id, "arguments", ""));
}

void settle(policy::Verdict& verdict, std::string_view why_not) {
  verdict.action = policy::Action::deny;
  verdict.reason =
      verdict.reason.empty() ? std::string(why_not) : os::join(why_not, " (", verdict.reason, ')');
}

void settle(policy::Verdict& verdict, Answer answer) {
  if (answer == Answer::yes) {
    verdict.action = policy::Action::run;
  } else if (answer == Answer::no) {
    settle(verdict, "the person at the host said no");
  } else {
    settle(verdict, os::join("nobody answered within ", verdict.timeout.count(), " s"));
  }
}

os::Status record_question(const Context& context, const Order& order) {
  const auto seconds = static_cast<std::uint64_t>(order.verdict.timeout.count());
  return context.audit.record(audit::exec_asked(exec_of(order), seconds));
}

os::Status record(const Context& context, const Order& order) {
  const policy::Verdict& verdict = order.verdict;
  const audit::Exec exec = exec_of(order);
  if (verdict.action == policy::Action::deny) {
    return context.audit.record(audit::exec_denied(exec, verdict.reason));
  }
  return context.audit.record(audit::exec_allowed(exec));
}

std::string refusal_line(const policy::Verdict& verdict) {
  const std::string_view reason =
      verdict.reason.empty() ? std::string_view("the policy says so") : verdict.reason;
  return os::join("agent-task-runner: denied by rule '", verdict.rule, "': ", reason, "\n");
}

JobSpec job_for(const Context& context, const Order& order) {
  JobSpec spec;
  const policy::Profile& profile = context.profile(order.verdict);
  spec.cwd = order.request.cwd;
  spec.path = order.request.path;
  if (order.verdict.action == policy::Action::deny) {
    spec.kind = kJobRefuse;
    spec.message = refusal_line(order.verdict);
    return spec;
  }
  spec.message = os::join("the time limit of profile '", profile.name, "'");
  spec.argv = order.request.argv;
  spec.env = environment_for(context, order, profile);
  return spec;
}

JobInfo info_for(const Order& order) {
  JobInfo info;
  info.id = order.id;
  info.caller = order.caller;
  info.command = command_line(order.request.argv);
  info.rule = order.verdict.rule;
  info.profile = order.verdict.profile;
  info.started = std::chrono::steady_clock::now();
  return info;
}

}  // namespace runner
