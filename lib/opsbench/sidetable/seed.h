#ifndef OPSBENCH_SIDETABLE_SEED_H_
#define OPSBENCH_SIDETABLE_SEED_H_

// Fills a strategy's tables with the generator's operations, in chunks: each is
// one transaction of operations, their prefix rows and the note that the chunk
// is there, so an interruption loses at most the chunks under way and `resume`
// goes on with the rest.
//
// Thread safety: Seed() blocks and owns its threads.

#include <atomic>
#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "opsbench/db/session.h"
#include "opsbench/sidetable/strategy.h"

namespace opsbench::sidetable {

inline constexpr int64_t kMaxOperations = int64_t{10'000'000'000};

struct SeedProgress {
  int64_t done = 0;  // Operations committed, those of earlier runs included.
  int64_t total = 0;
  absl::Duration elapsed;
  double operations_per_second = 0;  // Of this run so far.
  bool indexing = false;  // All are loaded: indexes and statistics are made.
};

struct SeedOptions {
  // Behaviour.

  Strategy strategy = Strategy::kSideTable;
  Purpose purpose = Purpose::kData;
  int64_t operations = 1'000'000;
  uint64_t seed = 1;

  // Go on with an interrupted seeding of the same seed and size.
  bool resume = false;

  // Drop what was made for this purpose first.
  bool fresh = false;

  // With `fresh`: also tables and procedures of the same names that were not.
  bool replace_foreign = false;

  // Called about once a second, while indexes are made more often.
  std::function<void(const SeedProgress&)> on_progress;

  // Ends the seeding when it becomes true; what is committed stays.
  const std::atomic<bool>* stop = nullptr;

  // Performance.

  // Sessions that load chunks side by side; SQLite has one writer.
  int workers = 2;

  // Operations a transaction.
  int64_t chunk = 20'000;

  BulkOptions bulk;
};

struct SeedReport {
  int64_t operations = 0;   // Loaded by this run.
  int64_t prefix_rows = 0;  // Loaded by this run, beside the operations.
  int64_t resumed = 0;      // Operations that were there already.
  absl::Duration elapsed;
  double operations_per_second = 0;
};

// Creates the schema, loads the data and, when the clock has stopped, looks
// whether it is there. Data of an earlier schema version and of the same seed
// and size is brought up to date instead.
//
// InvalidArgument: counts out of range. AlreadyExists: the data is there and
// complete. FailedPrecondition: an interrupted, other or older seeding is
// there, or something foreign (the message says which option goes on).
// Cancelled: `stop` was set; resume goes on. Internal: what is there at the end
// is wrong.
absl::StatusOr<SeedReport> Seed(const Url& url, const SeedOptions& options);

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_SEED_H_
