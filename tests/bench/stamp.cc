// When a container's first program begins, and when the CLI does.
//   stamp PROGRAM [ARGUMENT...]   notes the time in /workspace and becomes the program
//   stamp                         prints how many nanoseconds ago that was
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>

namespace {

constexpr char kFile[] = "/workspace/began";

long long now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

}  // namespace

int main(int argc, char** argv) {
  const long long time = now();
  if (argc > 1) {
    std::ofstream(kFile) << time << std::endl;
    execv(argv[1], argv + 1);
    std::perror(argv[1]);
    return 127;
  }
  long long began = 0;
  if (!(std::ifstream(kFile) >> began)) return 1;
  std::printf("%lld\n", time - began);
  return 0;
}
