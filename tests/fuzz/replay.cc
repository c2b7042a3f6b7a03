// Runs a fuzz target once over every file of the given folders, without a fuzzer.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "os/fd.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      const auto content = os::read_file(entry.path());
      if (!content.ok()) return EXIT_FAILURE;
      const std::string& bytes = content.value();
      (void)LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      ++files;
    }
  }
  std::cout << files << " inputs\n";
  return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
