#include "channel/engine_client.h"

#include <array>
#include <cerrno>
#include <utility>

#include "os/log.h"
#include "os/process.h"
#include "os/signals.h"
#include "os/text.h"

namespace channel {
namespace {

constexpr int kNotFound = 127;

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
                                             bool take_errors) {
  os::Pipe input = TRY(os::make_pipe());
  os::Pipe output = TRY(os::make_pipe());
  os::Pipe errors;
  if (take_errors) errors = TRY(os::make_pipe());
  EngineClient client;
  client.process = TRY(os::Child::start(0, [&] {
    const os::Status placed =
        place({input.read_end.get(), output.write_end.get(), errors.write_end.get()});
    if (!placed.ok()) return kNotFound;
    return become_engine_client(words);
  }));
  client.to = std::move(input.write_end);
  client.from = std::move(output.read_end);
  client.errors = std::move(errors.read_end);
  return client;
}

os::Result<bool> container_exists(const std::string& engine, const std::string& name) {
  const std::string filter = os::join("name=^", name, "$");
  EngineClient client =
      TRY(start_engine_client({engine, "ps", "--all", "--quiet", "--filter", filter}, true));
  client.to.reset();
  const std::string found = TRY(os::read_all(client.from.get()));
  const os::ExitStatus status = TRY(client.process.wait());
  if (status != os::ExitStatus{false, 0}) return os::Error{EIO, os::join("ask ", engine)};
  return !found.empty();
}

}  // namespace channel
