// A value or the step that failed and its errno. Nothing in this project throws.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace os {

/// What went wrong: an errno value and the chain of steps, outermost first.
/// Prints as `run job 7: mount '/proc': EPERM (Operation not permitted)`.
struct Error {
  int code = 0;
  std::string step;

  /// Prepends the caller's step to the chain.
  Error within(std::string outer) && {
    step = std::move(outer) + ": " + step;
    return std::move(*this);
  }
  std::string text() const;
};

/// Either a T or an Error. Look at ok() before value().
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  void value() const {}
  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace os

// The value of a Result, or a return of its Error from the enclosing function.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define TRY(expression)                                         \
  __extension__({                                               \
    auto try_result = (expression);                             \
    if (!try_result.ok()) return std::move(try_result).error(); \
    std::move(try_result).value();                              \
  })

// The same, with the caller's step put in front of the chain.
#define TRY_STEP(expression, outer)                                           \
  __extension__({                                                             \
    auto try_result = (expression);                                           \
    if (!try_result.ok()) return std::move(try_result).error().within(outer); \
    std::move(try_result).value();                                            \
  })
// NOLINTEND(bugprone-macro-parentheses)
