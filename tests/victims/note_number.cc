// The command of signal_storm: appends its last argument as a line to the file named first.
#include <fcntl.h>

#include <string>

#include "tests/victims/victim.h"

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  const std::string line = std::string(argv[argc - 1]) + "\n";
  const int file = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  return file != -1 && write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size())
             ? 0
             : 1;
}
