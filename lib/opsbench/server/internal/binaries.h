#ifndef OPSBENCH_SERVER_INTERNAL_BINARIES_H_
#define OPSBENCH_SERVER_INTERNAL_BINARIES_H_

// Where the programs of an engine are.
//
// Thread safety: all functions may be called from any thread.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/server/private_server.h"

namespace opsbench::internal {

struct SearchPlaces {
  std::string path;     // As PATH has it.
  std::string engines;  // As OPSBENCH_ENGINES has it: roots of unpacked trees.
  std::string root;     // Of the system; empty for "/".

  static SearchPlaces OfThisProcess();
};

struct ServerBinary {
  std::string path;  // Resolved: no symbolic link.
  std::string name;  // What the last part of argv[0] has to be.
  std::string root;  // The unpacked tree that it was found in, else empty.

  // The folder above its bin or sbin, by which share files are found: "/usr"
  // for /usr/sbin/mariadbd.
  std::string Prefix() const;
  // LD_LIBRARY_PATH for it; empty when it needs none.
  std::string LibraryPath() const;
};

// In this order: unpacked trees, PATH, where Debian keeps them. NotFound names
// the package.
absl::StatusOr<ServerBinary> FindServer(ServerKind kind,
                                        const SearchPlaces& places);

// What `binary --version` prints. Internal: it does not run.
absl::StatusOr<std::string> VersionText(const ServerBinary& binary);

// The first number with a dot in it: "10.11.19" of "mariadbd  Ver 10.11.19-Ma".
std::string VersionIn(const std::string& text);

}  // namespace opsbench::internal

#endif  // OPSBENCH_SERVER_INTERNAL_BINARIES_H_
