#include "init/child_error.h"

#include <cerrno>
#include <cstring>

#include "os/fd.h"

namespace init {

void send_error(int pipe, const os::Error& error) {
  std::string bytes(sizeof error.code, '\0');
  std::memcpy(bytes.data(), &error.code, sizeof error.code);
  const os::Status ignored = os::write_all(pipe, bytes + error.step);
  static_cast<void>(ignored);
}

std::optional<os::Error> await_error(int pipe) {
  auto bytes = os::read_all(pipe);
  if (!bytes.ok()) return std::move(bytes).error();
  if (bytes.value().empty()) return std::nullopt;
  os::Error error{EPROTO, "read a child's error"};
  if (bytes.value().size() < sizeof error.code) return error;
  std::memcpy(&error.code, bytes.value().data(), sizeof error.code);
  error.step = bytes.value().substr(sizeof error.code);
  return error;
}

}  // namespace init
