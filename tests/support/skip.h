// Lets a kernel test say that this machine cannot run it. A skip is counted and never a pass.
#pragma once

namespace test_support {

/// Prints the reason; the program then exits 77 unless a test failed. The caller returns at once.
void skip(const char* reason);

}  // namespace test_support
