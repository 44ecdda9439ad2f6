#include "opsbench/vector/local_backends.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/vector/hnsw_backend.h"

namespace opsbench::vector {
namespace {

struct Maker {
  const char* name;
  std::unique_ptr<Backend> (*make)();
};

constexpr Maker kMakers[] = {
    {"hnsw",
     []() -> std::unique_ptr<Backend> {
       return std::make_unique<HnswBackend>();
     }},
    {"hnswlib", MakeHnswlibBackend},
    {"brute_force", MakeBruteForceBackend},
    {"faiss_hnsw", MakeFaissHnswBackend},
    {"faiss_ivf", MakeFaissIvfBackend},
};

}  // namespace

const std::vector<std::string>& LocalBackendNames() {
  static const auto* const names = [] {
    auto* made = new std::vector<std::string>();
    for (const Maker& maker : kMakers) made->push_back(maker.name);
    return made;
  }();
  return *names;
}

absl::StatusOr<std::unique_ptr<Backend>> MakeLocalBackend(
    absl::string_view name) {
  for (const Maker& maker : kMakers) {
    if (name == maker.name) return maker.make();
  }
  return absl::NotFoundError(
      absl::StrCat("no index ", name, " in this process: there are ",
                   absl::StrJoin(LocalBackendNames(), ", ")));
}

}  // namespace opsbench::vector
