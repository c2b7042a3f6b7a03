#include "policy/profile.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "policy/policy.h"

using policy::EnvRules;
using policy::Glob;
using Env = std::vector<std::string>;

namespace {

std::vector<Glob> names(std::initializer_list<const char*> patterns) {
  std::vector<Glob> globs;
  for (const char* pattern : patterns) globs.emplace_back(pattern, Glob::Kind::text);
  return globs;
}

/// What of one variable the shipped profile lets through.
bool passes(const std::string& profile, const std::string& variable) {
  const auto shipped = policy::load_policy("default");
  REQUIRE(shipped.ok());
  return !policy::filter_env(shipped.value().profiles.at(profile).env, {variable + "=x"}).empty();
}

}  // namespace

TEST_CASE("variables pass in their order when a name is allowed and not denied") {
  const EnvRules rules{names({"A*", "B"}), names({"*SECRET*"}), {}};
  CHECK(policy::filter_env(rules, {"B=1", "A_SECRET=2", "AX=3", "C=4", "A=5=6"}) ==
        Env{"B=1", "AX=3", "A=5=6"});
}

TEST_CASE("what a profile sets replaces what is inherited") {
  const EnvRules rules{names({"*"}), {}, {{"A", "new"}, {"B", ""}}};
  CHECK(policy::filter_env(rules, {"A=old", "C=1", "A=older"}) == Env{"C=1", "A=new", "B="});
}

TEST_CASE("entries that are not NAME=value do not pass") {
  const EnvRules rules{names({"*"}), {}, {}};
  CHECK(policy::filter_env(rules, {"=x", "lonely", "", "A="}) == Env{"A="});
}

TEST_CASE("a name is denied whatever the value looks like") {
  const EnvRules rules{names({"*"}), names({"*TOKEN"}), {}};
  CHECK(policy::filter_env(rules, {"X=TOKEN", "MY_TOKEN=", "TOKEN=a=b"}) == Env{"X=TOKEN"});
}

TEST_CASE("profile task keeps what a developer has and withholds what holds a credential") {
  for (const char* variable :
       {"PATH", "HOME", "EDITOR", "LD_PRELOAD", "NODE_OPTIONS", "GIT_DIR", "CLAUDECODE",
        "CARGO_HOME", "JAVA_HOME", "MAX_THINKING_TOKENS", "DATABASE_URL", "SSH_AUTH_SOCK", "_"}) {
    CAPTURE(variable);
    CHECK(passes("task", variable));
  }
  for (const char* variable : {"ANTHROPIC_API_KEY",
                               "ANTHROPIC_AUTH_TOKEN",
                               "ANTHROPIC_CUSTOM_HEADERS",
                               "CLAUDE_API_KEY",
                               "CLAUDE_CODE_OAUTH_TOKEN",
                               "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
                               "OPENAI_API_KEY",
                               "CODEX_API_KEY",
                               "CODEX_ACCESS_TOKEN",
                               "GH_TOKEN",
                               "GITHUB_TOKEN",
                               "COPILOT_GITHUB_TOKEN",
                               "COPILOT_PROVIDER_API_KEY",
                               "GEMINI_API_KEY",
                               "AWS_SECRET_ACCESS_KEY",
                               "AWS_ACCESS_KEY_ID",
                               "AWS_SESSION_TOKEN",
                               "GOOGLE_APPLICATION_CREDENTIALS",
                               "AZURE_CLIENT_SECRET",
                               "PGPASSWORD",
                               "SSH_KEY_PASSPHRASE",
                               "DEPLOY_PRIVATE_KEY",
                               "NPM_TOKEN",
                               "npm_config_//registry.npmjs.org/:_authToken",
                               "npm_config__auth"}) {
    CAPTURE(variable);
    CHECK_FALSE(passes("task", variable));
  }
}

TEST_CASE("profile isolated passes only what its list names") {
  for (const char* variable : {"PATH", "HOME", "LC_ALL", "TERM", "MAKEFLAGS", "CI"}) {
    CAPTURE(variable);
    CHECK(passes("isolated", variable));
  }
  for (const char* variable : {"LD_PRELOAD", "NODE_OPTIONS", "GIT_DIR", "BASH_ENV", "GH_TOKEN",
                               "ANTHROPIC_API_KEY", "MY_OWN", "PYTHONPATH"}) {
    CAPTURE(variable);
    CHECK_FALSE(passes("isolated", variable));
  }
}
