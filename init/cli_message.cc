#include "init/cli_message.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "os/text.h"

namespace init {
namespace {

using os::Error;

constexpr std::size_t kMostPrograms = 16;
constexpr std::string_view kGo = "go";

// On the wire; the text follows.
struct Header {
  CliWord word;
  std::int32_t value;
  std::int32_t exit_code;
  CliProtections protections;
  std::array<bool, 3> descriptors;  // which come along, in the order of all_of()
  std::uint32_t programs;
  std::array<os::FileId, kMostPrograms> own_programs;
};
static_assert(std::is_trivially_copyable_v<Header>);

template <class Descriptors>
auto all_of(Descriptors& descriptors) {
  return std::array{&descriptors.root, &descriptors.listener, &descriptors.terminal};
}

}  // namespace

os::Status send_cli_message(int socket, const CliMessage& message,
                            const CliDescriptors& descriptors) {
  Header header{};
  header.word = message.word;
  header.value = message.value;
  header.exit_code = message.exit_code;
  header.protections = message.protections;
  if (message.own_programs.size() > kMostPrograms) {
    return Error{E2BIG, os::join("send ", message.own_programs.size(), " programs of the CLI")};
  }
  header.programs = static_cast<std::uint32_t>(message.own_programs.size());
  std::copy(message.own_programs.begin(), message.own_programs.end(), header.own_programs.begin());
  std::vector<int> fds;
  const auto all = all_of(descriptors);
  for (std::size_t i = 0; i < all.size(); ++i) {
    header.descriptors[i] = all[i]->valid();
    if (all[i]->valid()) fds.push_back(all[i]->get());
  }
  std::string bytes(sizeof header, '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  bytes += message.text;
  return os::send_message(socket, bytes, fds);
}

os::Result<ReceivedCliMessage> receive_cli_message(int socket) {
  os::Message message = TRY(os::receive_message(socket, 1 << 14));
  ReceivedCliMessage received;
  received.end = message.end;
  if (message.end) return received;
  Header header{};
  if (message.bytes.size() < sizeof header) {
    return Error{EPROTO, "receive a message from the CLI's side"};
  }
  std::memcpy(&header, message.bytes.data(), sizeof header);
  const auto fds = std::count(header.descriptors.begin(), header.descriptors.end(), true);
  if (header.programs > kMostPrograms || std::ssize(message.fds) != fds) {
    return Error{EPROTO, "receive a message from the CLI's side"};
  }
  const auto programs = std::span(header.own_programs).first(header.programs);
  received.message = {header.word,        header.value,
                      header.protections, {programs.begin(), programs.end()},
                      header.exit_code,   message.bytes.substr(sizeof header)};
  const auto all = all_of(received.descriptors);
  auto next = message.fds.begin();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (header.descriptors[i]) *all[i] = std::move(*next++);
  }
  if (message.sender) received.sender = message.sender->pid;
  return received;
}

os::Status send_go(int socket) { return os::send_message(socket, kGo); }

os::Status await_go(int socket) {
  const os::Message message = TRY(os::receive_message(socket, 64));
  if (message.bytes != kGo) return Error{EPIPE, "wait for the session to be let go"};
  return {};
}

}  // namespace init
