#include "channel/engine_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "os/log.h"
#include "os/loop.h"
#include "os/process.h"
#include "os/signals.h"
#include "os/text.h"

namespace channel {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kNotFound = 127;
constexpr std::chrono::seconds kForAnswer{10};
constexpr std::size_t kMostAnswer = 4096;

std::string path_of(const std::string& program, const std::vector<std::string>& environment) {
  if (program.find('/') != std::string::npos) return program;
  for (const std::string& entry : environment) {
    if (!entry.starts_with("PATH=")) continue;
    for (const std::string& directory : os::split(entry.substr(5), ':')) {
      std::string path = os::join(directory, '/', program);
      if (!directory.empty() && os::may_execute(path)) return path;
    }
  }
  return program;
}

os::Status place(const std::array<int, 3>& stdio) {
  for (int number = 0; number < 3; ++number) {
    const int given = stdio[static_cast<std::size_t>(number)];
    if (given >= 0) TRY(os::place_descriptor(given, number));
  }
  return {};
}

bool wait_readable_until(int fd, Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return os::wait_readable(fd, std::max(left, std::chrono::milliseconds(0)));
}

// The output of a client, once it has ended well.
os::Result<std::string> answer_of(EngineClient& client, Clock::time_point deadline) {
  std::string answer;
  while (wait_readable_until(client.from.get(), deadline)) {
    const std::string more = TRY(os::read_some(client.from.get(), kMostAnswer));
    answer += more;
    if (answer.size() > kMostAnswer) return os::Error{EIO, "the answer is too long"};
    if (!more.empty()) continue;
    if (!wait_readable_until(client.process.pidfd(), deadline)) break;
    const os::ExitStatus status = TRY(client.process.wait());
    if (status != os::ExitStatus{false, 0}) return os::Error{EIO, status.text()};
    return answer;
  }
  return os::Error{ETIMEDOUT, os::join("no answer for ", kForAnswer.count(), " s")};
}

}  // namespace

int become_engine_client(const std::vector<std::string>& words) {
  os::close_others({});
  os::reset_signals();
  const std::vector<std::string> environment = os::environment();
  const os::Error error = os::exec_path(path_of(words.front(), environment), words, environment);
  os::report(error.text());
  return kNotFound;
}

os::Result<EngineClient> start_engine_client(const std::vector<std::string>& words,
                                             Errors errors_to) {
  os::Pipe input = TRY(os::make_pipe());
  os::Pipe output = TRY(os::make_pipe());
  os::Pipe errors;
  if (errors_to == Errors::taken) errors = TRY(os::make_pipe());
  EngineClient client;
  client.process = TRY(os::Child::start(0, [&] {
    const os::Status placed =
        place({input.read_end.get(), output.write_end.get(), errors.write_end.get()});
    if (!placed.ok()) return kNotFound;
    const std::array<int, 1> dropped{2};
    if (errors_to == Errors::dropped && !os::silence(dropped).ok()) return kNotFound;
    return become_engine_client(words);
  }));
  client.to = std::move(input.write_end);
  client.from = std::move(output.read_end);
  client.errors = std::move(errors.read_end);
  return client;
}

os::Result<bool> container_exists(const std::string& engine, const std::string& name) {
  const std::string filter = os::join("name=^", name, "$");
  EngineClient client = TRY(
      start_engine_client({engine, "ps", "--all", "--quiet", "--filter", filter}, Errors::dropped));
  client.to.reset();
  const auto found = answer_of(client, Clock::now() + kForAnswer);
  if (client.process.running()) {
    static_cast<void>(client.process.signal(SIGKILL).ok());
    static_cast<void>(client.process.wait().ok());
  }
  if (!found.ok()) {
    return os::Error(found.error())
        .within(os::join("ask ", engine, " whether container '", name, "' is there"));
  }
  return !found.value().empty();
}

}  // namespace channel
