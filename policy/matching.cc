#include "policy/matching.h"

#include <algorithm>
#include <vector>

#include "os/text.h"

namespace policy {
namespace {

using What = Difference::What;

bool is_clean(std::string_view path) {
  return path.find("//") == std::string_view::npos && path.find("/.") == std::string_view::npos;
}

bool meets(const ArgumentTest& test, const std::vector<std::string>& argv) {
  const auto fits = [&test](const std::string& argument) { return test.glob.matches(argument); };
  const auto first = argv.empty() ? argv.end() : argv.begin() + 1;
  switch (test.where) {
    case ArgumentTest::Where::at:
      return test.index < argv.size() && fits(argv[test.index]);
    case ArgumentTest::Where::any:
      return std::any_of(first, argv.end(), fits);
    case ArgumentTest::Where::none:
      return std::none_of(first, argv.end(), fits);
  }
  return false;
}

/// The first variable whose name matches, or nullptr.
const std::string* find_variable(const Glob& glob, const std::vector<std::string>& env) {
  const auto found = std::find_if(env.begin(), env.end(), [&glob](const std::string& entry) {
    return glob.matches(env_name(entry));
  });
  return found == env.end() ? nullptr : &*found;
}

std::optional<Difference> argument_difference(const Match& match,
                                              const std::vector<std::string>& argv) {
  for (std::size_t i = 0; i < match.argv.size(); ++i) {
    if (!meets(match.argv[i], argv)) return Difference{What::argument, i};
  }
  if (argv.size() < match.argc_min || argv.size() > match.argc_max) return Difference{What::argc};
  return std::nullopt;
}

std::optional<Difference> env_difference(const Match& match, const std::vector<std::string>& env) {
  for (std::size_t i = 0; i < match.env_present.size(); ++i) {
    if (find_variable(match.env_present[i], env) == nullptr) {
      return Difference{What::env_present, i};
    }
  }
  for (std::size_t i = 0; i < match.env_absent.size(); ++i) {
    if (find_variable(match.env_absent[i], env) != nullptr) return Difference{What::env_absent, i};
  }
  return std::nullopt;
}

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  if (!path.starts_with(directory)) return false;
  return path.size() == directory.size() || path[directory.size()] == '/';
}

std::string quoted(std::string_view text) { return os::join("'", os::printable(text, 120), "'"); }

std::string quoted_list(const std::vector<Glob>& globs) {
  std::string out;
  for (const Glob& glob : globs) {
    if (!out.empty()) out += " or ";
    out += quoted(glob.pattern());
  }
  return out;
}

std::string quoted_list(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += " or ";
    out += quoted(text);
  }
  return out;
}

std::string describe_argument(const ArgumentTest& test, const std::vector<std::string>& argv) {
  const std::string pattern = quoted(test.glob.pattern());
  switch (test.where) {
    case ArgumentTest::Where::at:
      if (test.index >= argv.size()) return os::join("there is no argument ", test.index);
      return os::join("argument ", test.index, " is ", quoted(argv[test.index]), ", not ", pattern);
    case ArgumentTest::Where::any:
      return os::join("no argument matches ", pattern);
    case ArgumentTest::Where::none:
      return os::join("an argument matches ", pattern);
  }
  return "";
}

std::string describe_test(const ArgumentTest& test) {
  const std::string pattern = quoted(test.glob.pattern());
  switch (test.where) {
    case ArgumentTest::Where::at:
      return os::join("argument ", test.index, " matches ", pattern);
    case ArgumentTest::Where::any:
      return os::join("an argument matches ", pattern);
    case ArgumentTest::Where::none:
      return os::join("no argument matches ", pattern);
  }
  return "";
}

}  // namespace

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> kept;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part == ".." && !kept.empty()) kept.pop_back();
    if (part.empty() || part == "." || part == "..") continue;
    kept.push_back(part);
  }
  std::string out;
  for (const std::string_view part : kept) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

CleanPath::CleanPath(const std::string& path) : path_(&path) {
  if (!is_clean(path)) copy_ = clean_path(path);
}

std::optional<Difference> first_difference(const Rule& rule, const Subject& subject) {
  const Match& match = rule.match;
  if (rule.action == Action::self && !subject.request->own_program) {
    return Difference{What::own_program};
  }
  if (!match.path.empty() && !any_matches(match.path, subject.path.view())) {
    return Difference{What::path};
  }
  if (const auto difference = argument_difference(match, subject.request->argv)) return difference;
  if (const auto difference = env_difference(match, subject.request->env)) return difference;
  const auto above = [cwd = subject.cwd.view()](const std::string& dir) {
    return is_below(cwd, dir);
  };
  if (!match.cwd.empty() && std::none_of(match.cwd.begin(), match.cwd.end(), above)) {
    return Difference{What::cwd};
  }
  return std::nullopt;
}

std::string describe(const Difference& difference, const Rule& rule, const Subject& subject) {
  const Match& match = rule.match;
  const ExecRequest& request = *subject.request;
  switch (difference.what) {
    case What::own_program:
      return "not one of the CLI's own programs in a way that its self rules allow";
    case What::path:
      return os::join("the path is ", quoted(subject.path.view()), ", not ",
                      quoted_list(match.path));
    case What::argument:
      return describe_argument(match.argv[difference.index], request.argv);
    case What::argc: {
      const bool few = request.argv.size() < match.argc_min;
      return os::join("argc is ", request.argv.size(), ", the rule wants ",
                      few ? "at least " : "at most ", few ? match.argc_min : match.argc_max);
    }
    case What::env_present:
      return os::join("no variable is named ",
                      quoted(match.env_present[difference.index].pattern()));
    case What::env_absent: {
      const Glob& glob = match.env_absent[difference.index];
      const std::string* entry = find_variable(glob, request.env);
      return os::join("the variable ", quoted(entry == nullptr ? "" : env_name(*entry)),
                      " is set, the rule wants none named ", quoted(glob.pattern()));
    }
    case What::cwd:
      return os::join("the working directory ", quoted(subject.cwd.view()), " is not below ",
                      quoted_list(match.cwd));
  }
  return "";
}

std::string describe_match(const Rule& rule) {
  const Match& match = rule.match;
  std::vector<std::string> parts;
  if (rule.action == Action::self) parts.emplace_back("it is one of the CLI's own programs");
  if (!match.path.empty()) parts.push_back("the path matches " + quoted_list(match.path));
  for (const ArgumentTest& test : match.argv) parts.push_back(describe_test(test));
  if (match.argc_min > 0 || match.argc_max != Match{}.argc_max) parts.emplace_back("argc fits");
  for (const Glob& glob : match.env_present) {
    parts.push_back("a variable is named " + quoted(glob.pattern()));
  }
  for (const Glob& glob : match.env_absent) {
    parts.push_back("no variable is named " + quoted(glob.pattern()));
  }
  if (!match.cwd.empty()) {
    parts.push_back("the working directory is below " + quoted_list(match.cwd));
  }
  if (parts.empty()) return "the rule asks for nothing";
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "; ") + part;
  return out;
}

}  // namespace policy
