// A walk over a tree that somebody else may be changing: no link is followed, no mount is crossed,
// depth costs no descriptors.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>

#include "os/fd.h"
#include "os/result.h"

namespace os {

/// One entry, by an O_PATH descriptor of the very thing that `info` describes.
struct Visited {
  int entry;
  const struct stat& info;
};

/// Calls `visit` for the directory `root` and for everything below it, a directory before what is
/// in it. Directories that vanish or are replaced meanwhile are passed over. The first error of
/// `visit` ends the walk and is returned.
Status walk_tree(int root, const std::function<Status(const Visited&)>& visit);

/// An open description of what an O_PATH descriptor names, which must be a file or a directory.
/// Needs /proc.
Result<Fd> reopen(int entry, int flags);

}  // namespace os
