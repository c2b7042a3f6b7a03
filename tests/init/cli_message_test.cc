#include "init/cli_message.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "init/child_error.h"
#include "os/socket.h"

TEST_CASE("a message of the CLI's side arrives as it was, with the listener and its sender") {
  auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  REQUIRE(os::stamp_senders(pair.value().first.get()).ok());
  init::CliMessage message;
  message.word = init::CliWord::ready;
  message.protections = {
      .trap = os::Trap::trace, .bpf = true, .landlock = false, .memfd_noexec = true};
  message.own_programs = {{1, 2}, {3, 4}};
  auto listener = os::duplicate(0);
  REQUIRE(listener.ok());
  init::CliDescriptors descriptors;
  descriptors.listener = std::move(listener).value();
  REQUIRE(init::send_cli_message(pair.value().second.get(), message, descriptors).ok());
  const auto received = init::receive_cli_message(pair.value().first.get());
  REQUIRE(received.ok());
  CHECK(received.value().message.word == init::CliWord::ready);
  CHECK(received.value().message.protections.trap == os::Trap::trace);
  CHECK_FALSE(received.value().message.protections.landlock);
  CHECK(received.value().message.own_programs == message.own_programs);
  CHECK(received.value().descriptors.listener.valid());
  CHECK_FALSE(received.value().descriptors.root.valid());
  CHECK_FALSE(received.value().descriptors.terminal.valid());
  CHECK(received.value().sender == ::getpid());
}

TEST_CASE("a failure carries its errno, its step and what the session ends with") {
  auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  init::CliMessage message;
  message.value = ENOENT;
  message.exit_code = 127;
  message.text = "find 'x'";
  REQUIRE(init::send_cli_message(pair.value().second.get(), message).ok());
  pair.value().second.reset();
  auto received = init::receive_cli_message(pair.value().first.get());
  REQUIRE(received.ok());
  CHECK(received.value().message.word == init::CliWord::failed);
  CHECK(received.value().message.value == ENOENT);
  CHECK(received.value().message.exit_code == 127);
  CHECK(received.value().message.text == "find 'x'");
  CHECK_FALSE(received.value().descriptors.listener.valid());
  received = init::receive_cli_message(pair.value().first.get());
  REQUIRE(received.ok());
  CHECK(received.value().end);
}

TEST_CASE("a message that is too short is refused, and a go is nothing but a go") {
  auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  REQUIRE(os::send_message(pair.value().second.get(), "short").ok());
  CHECK_FALSE(init::receive_cli_message(pair.value().first.get()).ok());
  REQUIRE(init::send_go(pair.value().first.get()).ok());
  CHECK(init::await_go(pair.value().second.get()).ok());
  pair.value().first.reset();
  const auto refused = init::await_go(pair.value().second.get());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == EPIPE);
}

TEST_CASE("a child's error comes back over its pipe, and no error at the pipe's end") {
  auto pipe = os::make_pipe();
  REQUIRE(pipe.ok());
  init::send_error(pipe.value().write_end.get(), os::Error{EPERM, "mount '/proc'"});
  pipe.value().write_end.reset();
  const auto error = init::await_error(pipe.value().read_end.get());
  REQUIRE(error.has_value());
  CHECK(error->code == EPERM);
  CHECK(error->step == "mount '/proc'");

  auto silent = os::make_pipe();
  REQUIRE(silent.ok());
  silent.value().write_end.reset();
  CHECK_FALSE(init::await_error(silent.value().read_end.get()).has_value());
}
