// Bounded copies out of another process's memory, process_vm_readv(2).
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "os/result.h"

namespace os {

/// Reads each page of a stopped or waiting thread at most once, so that two reads of one string
/// cannot disagree. A string counts only if its NUL was found. Needs CAP_SYS_PTRACE, or reads as
/// the task's own user (RealUser), who may if the task is dumpable.
class ForeignMemory {
 public:
  explicit ForeignMemory(pid_t tid, std::optional<uid_t> as = {}) : tid_(tid), as_(as) {}

  /// Fetches the pages of these addresses with as few system calls as possible. Pages that cannot
  /// be read are found out by the reads below.
  void prefetch(std::span<const std::uint64_t> addresses);

  /// A NUL-terminated string. EFAULT: unreadable. E2BIG: no NUL within `limit` bytes.
  Result<std::string> string(std::uint64_t address, std::size_t limit);

  /// A NULL-terminated array of strings, as argv and envp are; a null `array` is empty.
  /// E2BIG when they have more than `limit` bytes together.
  Result<std::vector<std::string>> strings(std::uint64_t array, std::size_t limit);

 private:
  static constexpr std::size_t kPage = 4096;
  using Page = std::array<char, kPage>;

  const Page* page(std::uint64_t base);
  std::size_t read(std::span<const iovec> local, std::span<const iovec> remote) const;
  Result<std::uint64_t> word(std::uint64_t address);

  pid_t tid_;
  std::optional<uid_t> as_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;
};

}  // namespace os
