// Compares the process's open descriptors before and after each test case.
#pragma once

#include <dirent.h>
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <set>

namespace test_support {

/// The numbers of the open descriptors of this process.
inline std::set<int> open_files() {
  std::set<int> numbers;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return numbers;
  const int own = dirfd(directory);
  while (const dirent* entry = readdir(directory)) {
    const int number = static_cast<int>(std::strtol(entry->d_name, nullptr, 10));
    if (entry->d_name[0] != '.' && number != own) numbers.insert(number);
  }
  closedir(directory);
  return numbers;
}

/// A doctest listener that fails the case which leaves a descriptor open or closes a foreign one.
class OpenFilesListener : public doctest::IReporter {
 public:
  explicit OpenFilesListener(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData& data) override {
    name_ = data.m_name;
    before_ = open_files();
  }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {
    const std::set<int> after = open_files();
    if (after == before_) return;
    std::fprintf(stderr, "%s: open descriptors changed from %zu to %zu\n", name_, before_.size(),
                 after.size());
    std::_Exit(1);
  }
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  const char* name_ = "";
  std::set<int> before_;
};

}  // namespace test_support
