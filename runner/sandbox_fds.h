// Sending and receiving descriptors without allocating, for agent-sandbox.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace runner::sandbox {

/// recvmsg(2) of one message and at most `capacity` descriptors (close-on-exec); further ones are
/// closed. Gives recvmsg's result; EINTR is retried.
ssize_t receive_with_fds(int socket, void* bytes, std::size_t size, int* fds, int capacity,
                         int& count);

/// sendmsg(2) of one message with `count` descriptors; false if it could not be sent.
bool send_with_fds(int socket, const void* bytes, std::size_t size, const int* fds, int count,
                   int flags = 0);

}  // namespace runner::sandbox
