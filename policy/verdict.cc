#include "policy/verdict.h"

namespace policy {

std::string_view name(Action action) {
  switch (action) {
    case Action::run:
      return "run";
    case Action::self:
      return "self";
    case Action::stub:
      return "stub";
    case Action::ask:
      return "ask";
    case Action::deny:
      return "deny";
  }
  return "deny";
}

}  // namespace policy
