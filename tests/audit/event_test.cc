#include "audit/event.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "audit/actions.h"

namespace {

using nlohmann::json;

// Knows one value.
class OneSecret : public audit::Redactor {
 public:
  explicit OneSecret(std::string value) : value_(std::move(value)) {}
  bool found_in(std::string_view text) const override {
    return text.find(value_) != std::string_view::npos;
  }
  std::string mask(std::string text) const override {
    for (std::size_t at = 0; (at = text.find(value_, at)) != std::string::npos;) {
      text.replace(at, value_.size(), "[secret]");
    }
    return text;
  }

 private:
  std::string value_;
};

std::vector<std::string> repeated(std::size_t count, const std::string& text) {
  return std::vector<std::string>(count, text);
}

}  // namespace

TEST_CASE("an event carries its ECS classification and its fields as nested objects") {
  const audit::Event event = std::move(
      audit::Event("exec-allowed").set("process.pid", 7).set("a.b.c", "x").set("a.b.d", true));
  const json data = json::parse(event.data_json());
  CHECK(data == json::parse(R"({
    "event": {"action": "exec-allowed", "kind": "event", "category": ["process"],
              "type": ["allowed"], "outcome": "success"},
    "process": {"pid": 7}, "a": {"b": {"c": "x", "d": true}}})"));
}

TEST_CASE("an action without an ECS category has an empty list") {
  const json data = json::parse(audit::Event("events-dropped").data_json());
  CHECK(data["event"]["category"] == json::array());
}

TEST_CASE("values may be temporaries, hold any bytes and be numbers of any width") {
  const json data = json::parse(audit::Event("exec-allowed")
                                    .set("text", std::string("a\0b\n\xff", 5))
                                    .set("most", ~std::uint64_t{0})
                                    .set("least", std::int64_t{-1})
                                    .data_json());
  CHECK(data["text"] == std::string("a\0b\n\xEF\xBF\xBD", 7));
  CHECK(data["most"] == ~std::uint64_t{0});
  CHECK(data["least"] == -1);
  CHECK_FALSE(data.contains("truncated"));
}

TEST_CASE("an event is bounded whatever it is given, and says that it was cut") {
  const std::string control(4000, '\x01');
  audit::Event event("exec-denied");
  event.set("process.args", repeated(10000, control));
  for (int i = 0; i < 100; ++i) event.set("field" + std::to_string(i), control);
  event.set("rule.id", "last");
  const std::string text = event.data_json();
  CHECK(text.size() <= audit::kMaxData);
  const json data = json::parse(text);
  CHECK(data["truncated"] == true);
}

TEST_CASE("the longest command line leaves room for everything else of its event") {
  audit::Exec exec;
  const std::string path = '/' + std::string(4094, '\x01');
  const std::vector<std::string> argv = repeated(5000, std::string(2000, 'x'));
  exec.path = path;
  exec.argv = argv;
  exec.cwd = path;
  exec.rule = "rule-id";
  exec.verdict = "deny";
  const json data = json::parse(audit::exec_denied(exec, "reason").data_json());
  CHECK(data["rule"]["id"] == "rule-id");
  CHECK(data["event"]["reason"] == "reason");
  CHECK(data["process"]["args_count"] == 5000);
  CHECK(data["process"]["working_directory"].get<std::string>().size() > 500);
  CHECK(data["truncated"] == true);
}

TEST_CASE("a secret is masked wherever it stands, also where the text is cut") {
  const std::string secret = "s3cret-\"value\"-\n-of-this-session";
  const OneSecret redactor(secret);
  for (std::size_t before = 0; before < 1100; before += 7) {
    audit::Event event("exec-allowed");
    event.set("process.args", repeated(2, std::string(before, 'x') + secret))
        .set("process.executable", std::string(before * 4, 'y') + secret);
    const json data = json::parse(event.data_json(&redactor));
    for (const auto& value :
         {data["process"]["args"][0], data["process"]["args"][1], data["process"]["executable"]}) {
      CHECK(value.get<std::string>().find("s3c") == std::string::npos);
    }
  }
}

TEST_CASE("a value too long to be searched whole is recorded by its length only") {
  const std::string secret = "s3cret-value";
  const OneSecret redactor(secret);
  const std::string text = secret + std::string(audit::kMaxValue, 'x');
  const json data =
      json::parse(audit::Event("exec-allowed").set("text", text).data_json(&redactor));
  CHECK(data["text"] == "[" + std::to_string(text.size()) + " bytes]");
  CHECK(data["truncated"] == true);
}

TEST_CASE("two values never read as a secret together") {
  const OneSecret redactor("ab");
  const json data =
      json::parse(audit::Event("exec-allowed").set("x", "a").set("y", "b").data_json(&redactor));
  CHECK(data["x"] == "a");
  CHECK(data["y"] == "b");
}

TEST_CASE("every action is in the table once, in order") {
  const auto actions = audit::all_actions();
  for (std::size_t i = 1; i < actions.size(); ++i) {
    CHECK(actions[i - 1].action < actions[i].action);
  }
  CHECK(audit::find_action("exec-denied") != nullptr);
  CHECK(audit::find_action("exec-deny") == nullptr);
}
