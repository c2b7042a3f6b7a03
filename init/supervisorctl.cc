// supervisorctl: what a session's processes and protections are doing.
#include <span>

#include "init/control_client.h"

int main(int argc, char** argv) {
  return init::supervisorctl(std::span<char*>(argv, static_cast<std::size_t>(argc)).subspan(1));
}
