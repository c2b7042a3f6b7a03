// Shows as whom it was executed: prints "ran as UID"; with --status exits 70 as agentcli (uid 1001)
// and 71 as anybody else, for callers that can only look at a wait status.
#include <unistd.h>

#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  constexpr uid_t kAgentcli = 1001;
  if (argc > 1 && std::strcmp(argv[1], "--status") == 0) return getuid() == kAgentcli ? 70 : 71;
  std::printf("ran as %u\n", getuid());
  return 0;
}
