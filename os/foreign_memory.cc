#include "os/foreign_memory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "os/creds.h"

namespace os {
namespace {

constexpr std::uint64_t kOffsetMask = 4095;
constexpr std::size_t kPagesPerCall = 256;

void* remote_pointer(std::uint64_t address) {
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

// How many bytes could be read, up to the first unreadable page.
std::size_t ForeignMemory::read(std::span<const iovec> local, std::span<const iovec> remote) const {
  const auto user = RealUser::enter(as_);
  if (!user.ok()) return 0;
  const ssize_t bytes =
      ::process_vm_readv(tid_, local.data(), local.size(), remote.data(), remote.size(), 0);
  return bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

void ForeignMemory::prefetch(std::span<const std::uint64_t> addresses) {
  std::vector<std::uint64_t> bases;
  for (const std::uint64_t address : addresses) bases.push_back(address & ~kOffsetMask);
  std::sort(bases.begin(), bases.end());
  bases.erase(std::unique(bases.begin(), bases.end()), bases.end());
  std::erase_if(bases, [&](std::uint64_t base) { return pages_.contains(base); });

  for (std::size_t first = 0; first < bases.size(); first += kPagesPerCall) {
    const std::size_t count = std::min(kPagesPerCall, bases.size() - first);
    std::vector<std::unique_ptr<Page>> fetched;
    std::vector<iovec> local;
    std::vector<iovec> remote;
    for (std::size_t i = 0; i < count; ++i) {
      fetched.push_back(std::make_unique_for_overwrite<Page>());
      local.push_back({fetched.back()->data(), kPage});
      remote.push_back({remote_pointer(bases[first + i]), kPage});
    }
    // What is left of a partial transfer is fetched one by one.
    const std::size_t whole = read(local, remote) / kPage;
    for (std::size_t i = 0; i < whole; ++i) pages_[bases[first + i]] = std::move(fetched[i]);
  }
}

const ForeignMemory::Page* ForeignMemory::page(std::uint64_t base) {
  const auto known = pages_.find(base);
  if (known != pages_.end()) return known->second.get();
  auto fresh = std::make_unique_for_overwrite<Page>();
  const iovec local{fresh->data(), kPage};
  const iovec remote{remote_pointer(base), kPage};
  if (read({&local, 1}, {&remote, 1}) != kPage) return nullptr;
  return pages_.emplace(base, std::move(fresh)).first->second.get();
}

Result<std::uint64_t> ForeignMemory::word(std::uint64_t address) {
  std::array<char, sizeof(std::uint64_t)> bytes{};
  for (std::size_t done = 0; done < bytes.size();) {
    const std::uint64_t at = address + done;
    const Page* source = page(at & ~kOffsetMask);
    if (source == nullptr) return Error{EFAULT, "read a pointer of the caller"};
    const std::size_t offset = at & kOffsetMask;
    const std::size_t count = std::min(bytes.size() - done, kPage - offset);
    std::memcpy(bytes.data() + done, source->data() + offset, count);
    done += count;
  }
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

Result<std::string> ForeignMemory::string(std::uint64_t address, std::size_t limit) {
  std::string out;
  for (;;) {
    const Page* source = page(address & ~kOffsetMask);
    if (source == nullptr) return Error{EFAULT, "read a string of the caller"};
    const std::size_t offset = address & kOffsetMask;
    const char* begin = source->data() + offset;
    const std::size_t length = ::strnlen(begin, kPage - offset);
    out.append(begin, length);
    if (out.size() > limit) return Error{E2BIG, "read a string of the caller"};
    if (length < kPage - offset) return out;
    address += length;
  }
}

Result<std::vector<std::string>> ForeignMemory::strings(std::uint64_t array, std::size_t limit) {
  std::vector<std::string> out;
  if (array == 0) return out;
  std::vector<std::uint64_t> pointers;
  for (std::uint64_t at = array;; at += sizeof(std::uint64_t)) {
    const std::uint64_t pointer = TRY(word(at));
    if (pointer == 0) break;
    pointers.push_back(pointer);
    if (pointers.size() * sizeof(std::uint64_t) > limit) {
      return Error{E2BIG, "read the caller's argument list"};
    }
  }
  prefetch(pointers);
  out.reserve(pointers.size());
  for (const std::uint64_t pointer : pointers) {
    out.push_back(TRY(string(pointer, limit)));
    limit -= std::min(limit, out.back().size() + 1);
  }
  return out;
}

}  // namespace os
