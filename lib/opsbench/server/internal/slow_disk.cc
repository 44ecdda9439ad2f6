#include "opsbench/server/internal/slow_disk.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/server/internal/engine_plan.h"

namespace opsbench::internal {
namespace {

constexpr char kLibraryName[] = "slow_disk.so";
constexpr char kControlName[] = "slow_disk.control";

}  // namespace

absl::StatusOr<std::unique_ptr<SlowDisk>> SlowDisk::Make(const Place& place) {
  OPSBENCH_RETURN_IF_ERROR(place.Write(
      absl::StrCat(place.folder, "/", kLibraryName), SlowDiskImage()));
  const std::string path = absl::StrCat(place.folder, "/", kControlName);
  OPSBENCH_RETURN_IF_ERROR(
      place.Write(path, std::string(sizeof(SlowDiskControl), '\0')));
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  void* const mapped = mmap(nullptr, sizeof(SlowDiskControl),
                            PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const int error = errno;
  close(fd);
  if (mapped == MAP_FAILED) {
    return absl::ErrnoToStatus(error, absl::StrCat("map ", path));
  }
  return std::unique_ptr<SlowDisk>(
      new SlowDisk(static_cast<SlowDiskControl*>(mapped)));
}

SlowDisk::~SlowDisk() { munmap(control_, sizeof(SlowDiskControl)); }

std::vector<std::string> SlowDisk::Environment() {
  // Relative: in LD_PRELOAD a space or a colon in the folder's path would end
  // the name.
  return {absl::StrCat("LD_PRELOAD=./", kLibraryName),
          absl::StrCat(kSlowDiskVariable, "=", kControlName)};
}

}  // namespace opsbench::internal
