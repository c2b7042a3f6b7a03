// Layouts of the kernel's own interface (x86_64), for a program without a libc.
#pragma once

#include "runner/sandbox_protocol.h"

namespace runner {

struct Action {
  long handler;
  unsigned long flags;
  unsigned long restorer;
  unsigned long mask;
};
struct Buffer {
  void* bytes;
  unsigned long size;
};
struct ControlMessage {
  unsigned long size;
  int level;
  int type;
  int fds[kHelloFds];
};
struct MessageHeader {
  void* name;
  int name_size;
  Buffer* buffers;
  unsigned long buffer_count;
  void* control;
  unsigned long control_size;
  int flags;
};
struct UnixAddress {
  unsigned short family;
  char path[108];
};
struct PollEntry {
  int fd;
  short events;
  short found;
};
struct DirectoryEntry {
  unsigned long inode;
  long offset;
  unsigned short size;
  unsigned char type;
  char name[1];
};
struct FileSystem {
  long type;
  long rest[14];
};

}  // namespace runner
