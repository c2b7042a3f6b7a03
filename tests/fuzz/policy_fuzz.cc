// Hostile policy and agent files: refused or read, and then explain() agrees with decide().
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "policy/agent.h"
#include "policy/policy.h"

namespace {

void must(bool good) {
  if (!good) std::abort();
}

// A mistake is told in one printable line that begins with the place.
void check_error(const os::Error& error) {
  must(error.step.starts_with("f:"));
  for (const char c : error.step) must(c >= 0x20 && c < 0x7f);
}

policy::ExecRequest request_from(std::string_view bytes) {
  policy::ExecRequest request;
  const std::string_view tail = bytes.substr(bytes.size() - bytes.size() / 4);
  request.path = std::string("/usr/bin/") + std::string(tail);
  request.cwd = "/workspace/" + std::string(tail.substr(0, tail.size() / 2));
  request.argv = {"git", "push", std::string(tail)};
  request.env = {"CI=1", std::string(tail), "PATH=/usr/bin"};
  request.own_program = bytes.size() % 2 == 0;
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const policy::ExecRequest request = request_from(text);
  const auto policy = policy::parse_policy(text, "f");
  if (policy.ok()) {
    const policy::ExecPolicy& exec = policy.value().exec;
    const policy::Verdict verdict = policy::decide(exec, request);
    const policy::Explanation explanation = policy::explain(exec, request);
    must(explanation.verdict.action == verdict.action && explanation.verdict.rule == verdict.rule);
    must(verdict.profile.empty() || policy.value().profiles.count(verdict.profile) == 1);
    for (const auto& [name, profile] : policy.value().profiles) {
      (void)policy::filter_env(profile.env, request.env);
    }
  } else {
    check_error(policy.error());
  }
  const auto agent = policy::parse_agent(text, "f");
  if (agent.ok()) {
    must(!policy::self_allowed(agent.value(), "/workspace/x", request.argv, request.env));
    (void)policy::cli_env(agent.value(), request.env);
  } else {
    check_error(agent.error());
  }
  return 0;
}
