// tests/policies: each invalid_NAME.json is refused with exactly the words of invalid_NAME.txt,
// each valid_NAME.json is accepted.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "os/fd.h"
#include "policy/agent.h"
#include "policy/policy.h"

namespace {

using std::filesystem::path;

path fixtures() {
  const char* directory = std::getenv("POLICY_FIXTURES");
  return directory != nullptr ? directory : "tests/policies";
}

std::string content(const path& file) {
  auto text = os::read_file(file);
  REQUIRE_MESSAGE(text.ok(), file.string());
  return std::move(text).value();
}

std::string answer_to(const path& file) {
  const std::string name = file.filename();
  if (name.starts_with("invalid_agent_")) {
    const auto agent = policy::parse_agent(content(file), name);
    return agent.ok() ? "accepted" : agent.error().step;
  }
  const auto policy = policy::parse_policy(content(file), name);
  return policy.ok() ? "accepted" : policy.error().step;
}

}  // namespace

TEST_CASE("each invalid file is refused with the message that stands beside it") {
  int invalid = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fixtures())) {
    path file = entry.path();
    if (file.extension() != ".json") continue;
    CAPTURE(file.filename().string());
    const std::string answer = answer_to(file);
    if (file.filename().string().starts_with("valid_")) {
      CHECK(answer == "accepted");
    } else {
      CHECK(answer + "\n" == content(file.replace_extension("txt")));
      ++invalid;
    }
  }
  CHECK(invalid >= 60);
}
