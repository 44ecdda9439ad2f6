#ifndef OPSBENCH_SIDETABLE_WORKLOAD_H_
#define OPSBENCH_SIDETABLE_WORKLOAD_H_

// The load engine's view of the side table: each worker has its own session and
// draws prefixes and paths from the distribution that the data was made with.
//
// Thread safety: Connect() may be called from several threads at once.

#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/db/session.h"
#include "opsbench/load/load.h"
#include "opsbench/sidetable/effect.h"
#include "opsbench/sidetable/generator.h"
#include "opsbench/sidetable/mix.h"
#include "opsbench/sidetable/strategy.h"

namespace opsbench::sidetable {

class SidetableWorkload : public Workload {
 public:
  // The data must have been seeded: Connect() says so when it was not. With
  // `distinct` above 0, an operation is one of that many requests instead of
  // its own: what another tool, which has a list of them, can do as well.
  SidetableWorkload(Url url, ConnectOptions connect, Strategy strategy,
                    std::vector<MixOperation> mix, int distinct = 0,
                    Purpose purpose = Purpose::kData);

  // The mix as LoadOptions::mix wants it.
  std::vector<WeightedOperation> WeightedMix() const;

  absl::StatusOr<std::unique_ptr<Client>> Connect(int worker) override;

  // What all clients that have ended were told of their inserts, the warm-up's
  // among them; for a WriteCheck that was started before they began.
  Written written() const;
  // Whether an operation of the mix writes.
  bool Writes() const;

 private:
  friend class SidetableClient;
  void Add(const Written& written);

  const Url url_;
  const ConnectOptions connect_;
  const Strategy strategy_;
  const std::vector<MixOperation> mix_;
  const int distinct_;
  const Purpose purpose_;
  // Not absl::Mutex: see seed.cc.
  mutable std::mutex mutex_;
  Written written_;  // Guarded by mutex_.
};

// What one operation of a mix asks for or writes: a pure function of the random
// stream. Shared with tests and benchmarks.
struct Request {
  const MixOperation* operation = nullptr;
  absl::string_view path;  // Of a read: its prefix, or the whole path.
  int64_t offset = 0;

  absl::Span<const NewOperation> inserts() const {
    return absl::MakeConstSpan(new_operations).first(insert_count);
  }

  void Draw(const MixOperation& what, Random& random);

  std::vector<NewOperation> new_operations;  // Grows, and is used again.
  size_t insert_count = 0;
};

// Request `index` of those that a workload with distinct requests has.
void DrawDistinct(const MixOperation& operation, int index, Request* request);

// From when on a count or an error rate counts; 0 for other operations.
int64_t SinceOf(OperationKind kind);

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_WORKLOAD_H_
