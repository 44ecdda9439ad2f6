#ifndef OPSBENCH_PIPELINE_INTERNAL_SMALL_DISK_H_
#define OPSBENCH_PIPELINE_INTERNAL_SMALL_DISK_H_

// A file system of a few megabytes for tests of full disks: a tmpfs in a mount
// namespace of the process's own, which goes away with the process however it
// ends. Root mounts it as it is, others in a user namespace of their own.
//
// Thread safety: for one thread, and EnterMountNamespace() before there are
// others.

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::pipeline::internal {

// PermissionDenied, with the reason, where the kernel or a container forbids
// it.
inline absl::Status EnterMountNamespace() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  const bool root = uid == 0;
  if (unshare(root ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("unshare: ", std::generic_category().message(errno)));
  }
  if (!root) {
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << uid << " " << uid << " 1";
    std::ofstream("/proc/self/gid_map") << gid << " " << gid << " 1";
  }
  // Nothing of it is to be seen outside.
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("mount: ", std::generic_category().message(errno)));
  }
  return absl::OkStatus();
}

class SmallDisk {
 public:
  // REQUIRES: EnterMountNamespace().
  static absl::StatusOr<std::unique_ptr<SmallDisk>> Mount(int64_t bytes) {
    std::string folder =
        (std::filesystem::temp_directory_path() / "opsbench-disk-XXXXXX")
            .string();
    if (mkdtemp(folder.data()) == nullptr) {
      return absl::InternalError(absl::StrCat("cannot make ", folder));
    }
    const std::string options = absl::StrCat("mode=0755,size=", bytes);
    if (mount("tmpfs", folder.c_str(), "tmpfs", 0, options.c_str()) != 0) {
      const int error = errno;
      std::filesystem::remove(folder);
      return absl::PermissionDeniedError(
          absl::StrCat("mount: ", std::generic_category().message(error)));
    }
    return std::unique_ptr<SmallDisk>(new SmallDisk(folder));
  }
  ~SmallDisk() {
    umount2(folder_.c_str(), MNT_DETACH);
    std::error_code ignored;
    std::filesystem::remove(folder_, ignored);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::string& folder() const { return folder_; }

  int64_t FreeBytes() const {
    struct statvfs disk = {};
    statvfs(folder_.c_str(), &disk);
    return static_cast<int64_t>(disk.f_bavail * disk.f_bsize);
  }
  // Takes all but `bytes` of what is free, until Release().
  absl::Status LeaveFree(int64_t bytes) {
    const int file = open(Ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC,
                          S_IRUSR | S_IWUSR);
    const int error =
        file < 0 ? errno
                 : posix_fallocate(file, 0,
                                   std::max<int64_t>(FreeBytes() - bytes, 1));
    if (file >= 0) close(file);
    return error == 0 ? absl::OkStatus()
                      : absl::ErrnoToStatus(error, Ballast());
  }
  void Release() {
    std::error_code ignored;
    std::filesystem::remove(Ballast(), ignored);
  }

 private:
  explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {}
  std::string Ballast() const { return folder_ + "/ballast"; }

  const std::string folder_;
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_SMALL_DISK_H_
