#ifndef OPSBENCH_SERVER_INTERNAL_SLOW_DISK_H_
#define OPSBENCH_SERVER_INTERNAL_SLOW_DISK_H_

// A server's disk that can be made slow while it runs: a small library, loaded
// into the server by LD_PRELOAD, delays what makes writes durable by the time
// that it finds in a file that both sides map into their memory.
//
// The library is part of this program and is written to the server's folder, so
// that it needs no place where it is found.
//
// Thread safety: all functions may be called from any thread.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/server/internal/slow_disk_control.h"

namespace opsbench::internal {

// The bytes of the library.
absl::string_view SlowDiskImage();

struct Place;

class SlowDisk {
 public:
  // Writes both files to the server's folder.
  static absl::StatusOr<std::unique_ptr<SlowDisk>> Make(const Place& place);
  ~SlowDisk();
  SlowDisk(const SlowDisk&) = delete;
  SlowDisk& operator=(const SlowDisk&) = delete;

  // What goes into the environment of a server that starts in its folder.
  static std::vector<std::string> Environment();

  SlowDiskControl& control() { return *control_; }

 private:
  explicit SlowDisk(SlowDiskControl* control) : control_(control) {}

  SlowDiskControl* const control_;
};

}  // namespace opsbench::internal

#endif  // OPSBENCH_SERVER_INTERNAL_SLOW_DISK_H_
