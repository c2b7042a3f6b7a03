#include "channel/session_command.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "channel/engine_client.h"
#include "channel/front.h"
#include "channel/host_end.h"
#include "channel/session_dir.h"
#include "os/child.h"
#include "os/log.h"
#include "os/process.h"
#include "os/socket.h"
#include "os/terminal.h"
#include "os/text.h"

namespace channel {
namespace {

using os::Error;
using os::join;
using os::Result;

constexpr int kFailed = 125;
constexpr int kUsage = 2;
constexpr std::size_t kKeyDigits = 32;
constexpr std::size_t kMostSecret = std::size_t{64} << 10;
constexpr char kHelp[] =
    "Usage: agent-session run --name NAME [OPTIONS] -- ENGINE run ...   what run-agent calls\n"
    "       agent-session attach NAME   joins this terminal with a session's; ctrl-^ d leaves it\n"
    "       agent-session resume NAME   takes up a session whose agent-session was killed\n"
    "       agent-session list          the sessions of this user in containers\n"
    "       agent-session --help\n\n"
    "  --name NAME          the session's name, and the container's\n"
    "  --terminal           the CLI has a terminal of its own in the container\n"
    "  --secret-fd N=NAME   a secret, read from descriptor N to its end; may be repeated\n"
    "  --events FILE        the session's events are appended to FILE\n"
    "  --help               prints this\n";

struct Words {
  SessionState state;
  std::vector<std::pair<std::string, std::string>> secrets;
  std::vector<std::string> engine;
};

Result<std::pair<std::string, std::string>> read_secret(std::string_view value) {
  int fd = -1;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), fd);
  const auto digits = static_cast<std::size_t>(end - value.data());
  if (error != std::errc{} || fd < 0 || value.substr(digits, 1) != "=") {
    return Error{EINVAL, join("--secret-fd takes N=NAME, not '", value, "'")};
  }
  std::string secret = TRY_STEP(os::read_sensitive(fd, kMostSecret), join("--secret-fd ", fd));
  if (fd > 2) os::Fd(fd).reset();
  return std::pair(std::string(value.substr(digits + 1)), std::move(secret));
}

os::Status take_option(std::string_view option, std::string_view value, Words& words) {
  if (option == "--name") {
    words.state.name = value;
  } else if (option == "--events") {
    words.state.events = value;
  } else if (option == "--secret-fd") {
    words.secrets.push_back(TRY(read_secret(value)));
  } else {
    return Error{EINVAL, join("unknown option '", option, "'; see agent-session --help")};
  }
  return {};
}

Result<Words> parse(std::span<char*> words) {
  Words parsed;
  std::size_t at = 0;
  for (; at < words.size() && std::string_view(words[at]) != "--"; ++at) {
    const std::string_view option = words[at];
    if (option == "--terminal") {
      parsed.state.terminal = true;
    } else if (at + 1 == words.size()) {
      return Error{EINVAL, join(option, " needs a value; see agent-session --help")};
    } else {
      TRY(take_option(option, words[++at], parsed));
    }
  }
  for (++at; at < words.size(); ++at) parsed.engine.emplace_back(words[at]);
  if (parsed.state.name.empty()) return Error{EINVAL, "--name is missing"};
  if (parsed.engine.empty()) return Error{EINVAL, "no command of an engine was given after --"};
  parsed.state.engine = parsed.engine.front();
  return parsed;
}

Error name_in_use(const std::string& name, std::string_view why) {
  return {EEXIST, join("name the session '", name, "': ", why)};
}

// In the child: nothing that happens to the caller's terminal or process group touches it.
int become_host_end(HostEndPlan plan) {
  os::set_process_name("agent-session");
  std::array<int, 3> stdio{0, 1, 2};
  const os::Status apart = os::leave_terminal();
  const os::Status silenced = plan.state.terminal ? os::silence(stdio) : os::Status();
  os::close_others({plan.listener.get(), plan.front.get()});
  if (!apart.ok() || !silenced.ok()) return kFailed;
  return run_host_end(std::move(plan));
}

// A session that was lost is kept as long as its container may run: nobody else has the key.
os::Status take_name(const std::string& dir, const SessionState& state) {
  if (connect_to(dir, state.name).ok()) return name_in_use(state.name, "one of that name runs");
  os::Status created = create_state(dir, state);
  if (created.ok() || created.error().code != EEXIST) return created;
  const auto lost = read_state(dir, state.name);
  const std::string& engine = lost.ok() ? lost.value().engine : state.engine;
  const auto exists = container_exists(engine, state.name);
  if (!exists.ok() || exists.value()) {
    return name_in_use(state.name, join(exists.ok() ? "one of that name goes on"
                                                    : join("one of that name may go on (",
                                                           exists.error().text(), ")"),
                                        "; `agent-session resume ", state.name, "` takes it up"));
  }
  if (connect_to(dir, state.name).ok()) return name_in_use(state.name, "one of that name runs");
  remove_state(dir, state.name);
  return create_state(dir, state);
}

Result<int> start(HostEndPlan plan) {
  if (plan.state.terminal) {
    if (const auto size = os::window_size(0); size.ok()) {
      plan.hello.rows = size.value().rows;
      plan.hello.columns = size.value().columns;
    }
  }
  if (!plan.state.events.empty()) {  // here a mistake can still be told
    TRY_STEP(os::open_file(plan.state.events, O_RDWR | O_APPEND | O_CREAT, 0600), "--events");
  }
  plan.dir = TRY(session_dir());
  if (!plan.again) TRY(take_name(plan.dir, plan.state));
  plan.listener = TRY(listen_as(plan.dir, plan.state.name));
  os::SocketPair pair = TRY(os::seqpacket_pair());
  plan.front = std::move(pair.second);
  const SessionState state = plan.state;
  TRY(os::Child::start(0, [&] {
    pair.first.reset();
    return become_host_end(std::move(plan));
  }));
  for (auto& [name, value] : plan.secrets) os::wipe(value);
  plan.front.reset();
  plan.listener.reset();
  if (!state.terminal) {
    const std::array<int, 2> silenced{0, 1};  // or a reader would wait for us after the CLI
    TRY(os::silence(silenced));
  }
  return run_front(state, std::move(pair.first));
}

Result<int> run(std::span<char*> rest) {
  Words words = TRY(parse(rest));
  HostEndPlan plan;
  plan.state = std::move(words.state);
  plan.secrets = std::move(words.secrets);
  plan.engine = std::move(words.engine);
  plan.state.key = TRY(os::random_hex(kKeyDigits));
  return start(std::move(plan));
}

Result<int> attach(const std::string& name) {
  const std::string dir = TRY(session_dir());
  const SessionState state = TRY(read_state(dir, name));
  if (!state.terminal) {
    return Error{ENOTTY, join("attach to session '", name, "': its CLI has no terminal")};
  }
  auto host_end = connect_to(dir, name);
  if (!host_end.ok()) {
    return std::move(host_end).error().within(
        join("attach to session '", name, "' (`agent-session resume ", name, "` may help)"));
  }
  return run_front(state, std::move(host_end).value());
}

Result<int> resume(const std::string& name) {
  HostEndPlan plan;
  const std::string dir = TRY(session_dir());
  plan.state = TRY(read_state(dir, name));
  plan.again = true;
  return start(std::move(plan));
}

Result<int> list() {
  for (const std::string& name : session_names(TRY(session_dir()))) std::cout << name << '\n';
  return 0;
}

Result<int> run_verb(std::string_view verb, std::span<char*> rest) {
  if (verb == "run") return run(rest);
  if (verb == "attach") return attach(rest[0]);
  if (verb == "resume") return resume(rest[0]);
  return list();
}

bool is_good(std::string_view verb, std::size_t words) {
  if (verb == "run") return true;
  return verb == "list" ? words == 0 : (verb == "attach" || verb == "resume") && words == 1;
}

}  // namespace

int session_command(std::span<char*> words) {
  const std::string_view verb = words.empty() ? "" : words[0];
  if (verb == "--help") {
    std::cout << kHelp;
    return 0;
  }
  if (!is_good(verb, words.empty() ? 0 : words.size() - 1)) {
    std::cerr << kHelp;
    return kUsage;
  }
  const auto result = run_verb(verb, words.subspan(1));
  if (result.ok()) return result.value();
  os::report(result.error().code == EINVAL ? result.error().step : result.error().text());
  return kFailed;
}

}  // namespace channel
