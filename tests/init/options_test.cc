#include "init/options.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

os::Result<init::RunOptions> parse(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return init::parse_run_options(pointers);
}

std::string refusal(std::vector<std::string> words) {
  const auto options = parse(std::move(words));
  REQUIRE_FALSE(options.ok());
  return options.error().step;
}

}  // namespace

TEST_CASE("everything after -- is the command, options included") {
  const auto options = parse({"--workspace", "/w", "--", "cmd", "--name", "x"});
  REQUIRE(options.ok());
  CHECK(options.value().command == std::vector<std::string>{"cmd", "--name", "x"});
  CHECK(options.value().name.empty());
  CHECK(options.value().agent == "custom");
  CHECK(options.value().policy == "default");
}

TEST_CASE("a value may be a word of its own or follow an equals sign") {
  const auto options = parse({"--workspace=/w", "--env", "A=B=C", "--env=D=", "--cli-dir", "/opt/x",
                              "--secret-fd=7=token", "--hide", "landlock", "--summary", "cmd"});
  REQUIRE(options.ok());
  CHECK(options.value().env == std::vector<std::string>{"A=B=C", "D="});
  CHECK(options.value().cli_dirs == std::vector<std::string>{"/opt/x"});
  REQUIRE(options.value().secrets.size() == 1);
  CHECK(options.value().secrets[0].fd == 7);
  CHECK(options.value().secrets[0].name == "token");
  CHECK(options.value().hidden == std::vector{policy::Protection::landlock});
  CHECK(options.value().summary);
  CHECK(options.value().command == std::vector<std::string>{"cmd"});
}

TEST_CASE("what does not fit is refused, and the option named") {
  CHECK(refusal({"--workspace", "/w", "--nosuch", "--", "c"}) == "unknown option '--nosuch'");
  CHECK(refusal({"--workspace"}) == "--workspace needs a value");
  CHECK(refusal({"--summary=yes", "c"}) == "--summary takes no value");
  CHECK(refusal({"--", "c"}) == "--workspace is missing");
  CHECK(refusal({"--workspace", "/w"}) == "no command was given after --");
  CHECK(refusal({"--workspace", "/w", "--"}) == "no command was given after --");
  for (const char* name : {"", "../x", "a/b", ".hidden", "-x", "a b"}) {
    CHECK(refusal({"--name", name, "c"}).starts_with("--name '"));
  }
  for (const char* secret : {"token", "x=token", "3", "3=", "3=a/b", "-1=token", "3token"}) {
    CHECK(refusal({"--secret-fd", secret, "c"}).starts_with("--secret-fd '"));
  }
  CHECK(refusal({"--env", "=x", "c"}).starts_with("--env '"));
  CHECK(refusal({"--env", "x", "c"}).starts_with("--env '"));
  CHECK(refusal({"--cli-dir", "relative", "c"}).starts_with("--cli-dir '"));
  CHECK(refusal({"--cwd", "/abs", "c"}).starts_with("--cwd '"));
  CHECK(refusal({"--hide", "nothing", "c"}).starts_with("--hide '"));
  CHECK(refusal({"--engine-trap", "auto", "c"}) ==
        "--engine-trap 'auto': there are: notify, trace, off");
  CHECK(refusal({"--engine", "docker", "c"}).starts_with("--engine '"));
}

TEST_CASE("the help names every option") {
  const std::string help = init::run_help();
  for (const char* option : {"--workspace", "--agent", "--policy", "--name", "--engine", "--cwd",
                             "--env", "--secret-fd", "--cli-dir", "--channel", "--events",
                             "--summary", "--verbose", "--libexec", "--engine-trap", "--hide"}) {
    CAPTURE(option);
    CHECK(help.find(option) != std::string::npos);
  }
}

TEST_CASE("the engine of the exec trap is found out unless it is named") {
  const auto trap = [](std::vector<std::string> words) {
    words.insert(words.end(), {"--workspace", "/w", "cmd"});
    const auto options = parse(std::move(words));
    return options.ok() ? options.value().trap : os::Trap::none;
  };
  CHECK(trap({}) == std::nullopt);
  CHECK(trap({"--engine-trap", "notify"}) == os::Trap::notify);
  CHECK(trap({"--engine-trap=trace"}) == os::Trap::trace);
  CHECK(trap({"--engine-trap", "off"}) == os::Trap::none);
}

TEST_CASE("only an image's ENTRYPOINT speaks to agent-session") {
  CHECK(refusal({"--channel", "streams", "c"}).starts_with("--channel '"));
  init::RunOptions image;
  image.engine = "docker";
  image.workspace = "/workspace";
  for (const std::string kind : {"streams", "terminal"}) {
    std::vector<std::string> words{"--channel", kind, "cmd"};
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    const auto options = init::parse_run_options(pointers, image);
    REQUIRE(options.ok());
    CHECK(options.value().channel == kind);
  }
}

TEST_CASE("what no word names stays as it was given") {
  init::RunOptions image;
  image.engine = "docker";
  image.workspace = "/workspace";
  std::vector<std::string> words{"--name", "n", "cmd"};
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  const auto options = init::parse_run_options(pointers, image);
  REQUIRE(options.ok());
  CHECK(options.value().engine == "docker");
  CHECK(options.value().workspace == "/workspace");
  CHECK(options.value().name == "n");
}
