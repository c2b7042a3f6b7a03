#include "policy/node.h"

#include <algorithm>

#include "os/text.h"

namespace policy {

bool Node::expect(Json::Kind kind) const {
  if (!present()) return false;
  if (is(kind)) return true;
  problem(os::join("expected ", name(kind), ", found ", name(json_->kind)));
  return false;
}

void Node::only(std::initializer_list<std::string_view> keys) const {
  if (!expect(Json::Kind::object)) return;
  for (const Json& item : json_->items) {
    if (std::find(keys.begin(), keys.end(), item.key) != keys.end()) continue;
    std::string known;
    for (const std::string_view word : keys) {
      known.append(known.empty() ? "" : ", ").append(word);
    }
    problems_->add(item.line, member_path(path_, item.key), "unknown key; known here: " + known);
  }
}

Node Node::operator[](std::string_view key) const {
  const Json* member = is(Json::Kind::object) ? json_->find(key) : nullptr;
  return Node(member, member_path(path_, key), line(), problems_);
}

Node Node::require(std::string_view key) const {
  Node member = (*this)[key];
  if (is(Json::Kind::object) && !member.present()) member.problem("this key is missing");
  return member;
}

std::string Node::text(std::string_view otherwise) const {
  return expect(Json::Kind::text) ? json_->text : std::string(otherwise);
}

bool Node::flag(bool otherwise) const {
  return expect(Json::Kind::boolean) ? json_->boolean : otherwise;
}

std::uint64_t Node::integer(std::uint64_t least, std::uint64_t most,
                            std::uint64_t otherwise) const {
  if (!expect(Json::Kind::integer)) return otherwise;
  const auto value = static_cast<std::uint64_t>(json_->integer);
  if (json_->integer >= 0 && value >= least && value <= most) return value;
  problem(os::join(json_->integer, " is not between ", least, " and ", most));
  return otherwise;
}

std::vector<Node> Node::items() const {
  std::vector<Node> nodes;
  if (!expect(Json::Kind::list)) return nodes;
  for (std::size_t i = 0; i < json_->items.size(); ++i) {
    const Json& item = json_->items[i];
    nodes.push_back(Node(&item, item_path(path_, i), item.line, problems_));
  }
  return nodes;
}

std::vector<std::pair<std::string, Node>> Node::members() const {
  std::vector<std::pair<std::string, Node>> nodes;
  if (!expect(Json::Kind::object)) return nodes;
  for (const Json& item : json_->items) {
    nodes.emplace_back(item.key, Node(&item, member_path(path_, item.key), item.line, problems_));
  }
  return nodes;
}

void Node::problem(std::string_view message) const { problems_->add(line(), path_, message); }

}  // namespace policy
