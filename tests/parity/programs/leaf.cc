// The smallest program a row starts. usage: leaf STATUS [ARGUMENT...]; prints its arguments.
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  for (int index = 2; index < argc; ++index) {
    std::printf("%s\n", argv[index]);
  }
  return argc > 1 ? static_cast<int>(std::strtol(argv[1], nullptr, 10)) : 0;
}
