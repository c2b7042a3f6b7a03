// Runs a seccomp filter in user space: which action it gives for a call, without making the call.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace test_support {

/// The action of `program` for `call`. Knows what libseccomp emits; anything else is KILL_THREAD,
/// which no filter of ours returns.
inline std::uint32_t evaluate(const std::vector<sock_filter>& program, const seccomp_data& call) {
  constexpr std::uint32_t kUnknown = SECCOMP_RET_KILL_THREAD;
  std::uint32_t accumulator = 0;
  std::vector<std::uint32_t> memory(BPF_MEMWORDS);
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    bool taken = false;
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (step.k + sizeof accumulator > sizeof call) return kUnknown;
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&call) + step.k, 4);
        continue;
      case BPF_LD | BPF_W | BPF_MEM:
        accumulator = memory.at(step.k);
        continue;
      case BPF_ST:
        memory.at(step.k) = accumulator;
        continue;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= step.k;
        continue;
      case BPF_RET | BPF_K:
        return step.k;
      case BPF_JMP | BPF_JA:
        at += step.k;
        continue;
      case BPF_JMP | BPF_JEQ | BPF_K:
        taken = accumulator == step.k;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        taken = accumulator > step.k;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        taken = accumulator >= step.k;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        taken = (accumulator & step.k) != 0;
        break;
      default:
        return kUnknown;
    }
    at += taken ? step.jt : step.jf;
  }
  return kUnknown;
}

}  // namespace test_support
