#include "opsbench/sidetable/seed.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/sidetable/effect.h"
#include "opsbench/sidetable/generator.h"
#include "opsbench/sidetable/store.h"

namespace opsbench::sidetable {
namespace {

struct Connection {
  std::unique_ptr<Session> session;
  std::unique_ptr<Store> store;  // Uses session, so it goes first.
};

absl::StatusOr<Connection> Open(const Url& url, const SeedOptions& options) {
  Connection connection;
  OPSBENCH_ASSIGN_OR_RETURN(connection.session, Connect(url));
  OPSBENCH_ASSIGN_OR_RETURN(connection.store,
                            Store::Create(connection.session.get(),
                                          options.strategy, options.purpose));
  return connection;
}

absl::Status CheckOptions(const SeedOptions& options) {
  if (options.operations < 1 || options.operations > kMaxOperations) {
    return absl::InvalidArgumentError(
        absl::StrCat("operations must be from 1 to ", kMaxOperations, ", got ",
                     options.operations));
  }
  if (options.workers < 1 || options.workers > 256) {
    return absl::InvalidArgumentError(
        absl::StrCat("workers must be from 1 to 256, got ", options.workers));
  }
  if (options.chunk < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("a chunk must have operations, got ", options.chunk));
  }
  return absl::OkStatus();
}

// Data of an earlier version has no marks: that its rows are the generator's
// tells that opsbench made it.
absl::Status Upgrade(Store& store, const Meta& meta) {
  const absl::Status ours =
      meta.complete ? VerifySeeded(store, Generator(meta.seed), meta.operations)
                    : absl::InternalError("its seeding was interrupted");
  if (ours.ok()) return store.Upgrade();
  return absl::FailedPreconditionError(absl::StrCat(
      "strategy ", StrategyName(store.strategy()),
      " holds data of schema "
      "version ",
      meta.schema_version, " that cannot be brought up to date (",
      ours.message(), "): add --fresh --replace-foreign to replace it"));
}

// Brings the schema to where loading can start. A seeding that is resumed goes
// on with the chunks that it was begun with.
absl::Status PrepareSchema(Store& store, SeedOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(absl::optional<Meta> meta, store.ReadMeta());
  const absl::string_view name = StrategyName(store.strategy());
  if (options.fresh) {
    OPSBENCH_RETURN_IF_ERROR(store.DropSchema(options.replace_foreign));
    meta.reset();
  }
  if (!meta.has_value()) {
    return store.CreateSchema({.schema_version = kSchemaVersion,
                               .seed = options.seed,
                               .operations = options.operations,
                               .chunk_operations = options.chunk});
  }
  const bool same =
      meta->seed == options.seed && meta->operations == options.operations;
  if (same && meta->schema_version == 1) {
    OPSBENCH_RETURN_IF_ERROR(Upgrade(store, *meta));
    meta->schema_version = kSchemaVersion;
  }
  if (meta->schema_version != kSchemaVersion || meta->seed != options.seed ||
      meta->operations != options.operations) {
    return absl::FailedPreconditionError(absl::StrCat(
        "strategy ", name, " holds ", meta->operations, " operations of seed ",
        meta->seed, " (schema version ", meta->schema_version,
        "), not what was asked for: add --fresh to replace them"));
  }
  if (meta->complete) {
    return absl::AlreadyExistsError(
        absl::StrCat("strategy ", name, " holds its ", meta->operations,
                     " operations of seed ", meta->seed, " already"));
  }
  if (!options.resume) {
    return absl::FailedPreconditionError(absl::StrCat(
        "seeding of strategy ", name,
        " was interrupted: add --resume to finish it, or --fresh to start "
        "again"));
  }
  options.chunk = meta->chunk_operations;
  return absl::OkStatus();
}

class Loader {
 public:
  Loader(const Url& url, const SeedOptions& options, std::vector<int64_t> todo)
      : url_(url),
        options_(options),
        generator_(options.seed),
        todo_(std::move(todo)) {}

  // Loads all chunks that are to do; returns when the workers have ended.
  absl::Status Run(int64_t already_there, int64_t start_ns) {
    std::vector<std::thread> threads;
    const size_t workers =
        url_.engine == Engine::kSqlite ? 1 : options_.workers;
    running_ = std::min(workers, todo_.size());
    for (size_t i = running_; i > 0; --i) {
      threads.emplace_back([this] { Work(); });
    }
    while (!WaitForEnd(absl::Seconds(1))) {
      if (options_.on_progress) Report(already_there, start_ns);
    }
    for (std::thread& thread : threads) thread.join();
    return status_;
  }

  int64_t operations() const { return operations_.load(); }
  int64_t prefix_rows() const { return prefix_rows_.load(); }

 private:
  bool WaitForEnd(absl::Duration at_most) {
    std::unique_lock<std::mutex> lock(mutex_);
    return ended_.wait_for(lock, absl::ToChronoNanoseconds(at_most),
                           [this] { return running_ == 0; });
  }

  void Report(int64_t already_there, int64_t start_ns) {
    const int64_t now_ns = MonotonicNowNs();
    const int64_t loaded = operations_.load();
    const double seconds = 1e-9 * static_cast<double>(now_ns - start_ns);
    options_.on_progress(
        {.done = already_there + loaded,
         .total = options_.operations,
         .elapsed = absl::Nanoseconds(now_ns - start_ns),
         .operations_per_second = static_cast<double>(loaded) / seconds});
  }

  void Work() {
    absl::Status status = LoadChunks();
    const std::lock_guard<std::mutex> lock(mutex_);
    if (status_.ok() && !status.ok()) status_ = std::move(status);
    failed_.store(!status_.ok());
    if (--running_ == 0) ended_.notify_one();
  }

  absl::Status LoadChunks() {
    OPSBENCH_ASSIGN_OR_RETURN(Connection connection, Open(url_, options_));
    while (!failed_.load()) {
      const size_t next = next_.fetch_add(1);
      if (next >= todo_.size()) break;
      if (options_.stop != nullptr && options_.stop->load()) {
        return absl::CancelledError(
            "seeding was interrupted: --resume goes on with it");
      }
      OPSBENCH_RETURN_IF_ERROR(connection.session->Begin());
      const absl::Status status = LoadChunk(connection, todo_[next]);
      if (!status.ok()) {
        connection.session->Rollback().IgnoreError();
        return status;
      }
    }
    return absl::OkStatus();
  }

  absl::Status LoadChunk(Connection& connection, int64_t chunk) {
    const uint64_t first = static_cast<uint64_t>(chunk * options_.chunk);
    const uint64_t last =
        std::min<uint64_t>(first + options_.chunk, options_.operations);
    Store& store = *connection.store;
    const bool levels = options_.strategy == Strategy::kLevelColumns;
    OperationRows operations(generator_, first, last, levels);
    OPSBENCH_ASSIGN_OR_RETURN(
        const int64_t loaded,
        connection.session->BulkLoad(
            store.NameOf(OperationsTable(options_.strategy)),
            OperationRows::Columns(levels), operations, options_.bulk));
    int64_t prefixes_loaded = 0;
    if (options_.strategy == Strategy::kSideTable) {
      PrefixRows prefixes(generator_, first, last);
      OPSBENCH_ASSIGN_OR_RETURN(
          prefixes_loaded, connection.session->BulkLoad(
                               store.NameOf("operation_prefixes"),
                               PrefixRows::Columns(), prefixes, options_.bulk));
    }
    OPSBENCH_RETURN_IF_ERROR(store.WriteChunk(chunk));
    OPSBENCH_RETURN_IF_ERROR(connection.session->Commit());
    operations_.fetch_add(loaded);
    prefix_rows_.fetch_add(prefixes_loaded);
    return absl::OkStatus();
  }

  const Url& url_;
  const SeedOptions& options_;
  const Generator generator_;
  const std::vector<int64_t> todo_;
  std::atomic<size_t> next_{0};
  std::atomic<int64_t> operations_{0};
  std::atomic<int64_t> prefix_rows_{0};
  std::atomic<bool> failed_{false};
  // Not absl::Mutex, because Debian's Abseil does not tell ThreadSanitizer what
  // it orders. Guards status_ and running_ while the workers run.
  std::mutex mutex_;
  std::condition_variable ended_;
  absl::Status status_;
  size_t running_ = 0;
};

// Makes the indexes and statistics, which takes long and is one statement after
// the other: a second thread does it, while this one reports and listens.
absl::Status FinishStore(Connection& connection, const SeedOptions& options,
                         int64_t start_ns) {
  std::future<absl::Status> finished = std::async(std::launch::async, [&] {
    return connection.store->Finish(options.operations);
  });
  bool stopped = false;
  while (finished.wait_for(std::chrono::milliseconds(200)) !=
         std::future_status::ready) {
    if (options.stop != nullptr && options.stop->load()) {
      stopped = true;
      // Again each time: it may have come between two statements.
      connection.session->Interrupt();
    } else if (options.on_progress) {
      const absl::Duration elapsed =
          absl::Nanoseconds(MonotonicNowNs() - start_ns);
      options.on_progress({.done = options.operations,
                           .total = options.operations,
                           .elapsed = elapsed,
                           .indexing = true});
    }
  }
  const absl::Status status = finished.get();
  return stopped && !status.ok() ? absl::CancelledError(
                                       "making the indexes was interrupted: "
                                       "--resume goes on with it")
                                 : status;
}

// Whether all rows of all chunks are there, those of earlier runs too.
absl::Status CheckData(Store& store, const SeedOptions& options) {
  const Generator generator(options.seed);
  std::vector<std::pair<std::string, int64_t>> expected = {
      {std::string(OperationsTable(options.strategy)), options.operations}};
  if (options.strategy == Strategy::kSideTable) {
    expected.emplace_back("operation_prefixes",
                          CountPrefixRows(generator, 0, options.operations));
  }
  for (const auto& [table, rows] : expected) {
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t count, store.CountRows(table));
    if (count != rows) {
      return absl::InternalError(
          absl::StrCat("seeded ", rows, " rows but ", store.NameOf(table),
                       " holds ", count, ": add --fresh to start again"));
    }
  }
  return VerifySeeded(store, generator, options.operations);
}

}  // namespace

absl::StatusOr<SeedReport> Seed(const Url& url, const SeedOptions& requested) {
  OPSBENCH_RETURN_IF_ERROR(CheckOptions(requested));
  SeedOptions options = requested;
  OPSBENCH_ASSIGN_OR_RETURN(Connection connection, Open(url, options));
  Store& store = *connection.store;
  OPSBENCH_RETURN_IF_ERROR(PrepareSchema(store, options));

  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<int64_t> done,
                            store.ReadChunks());
  const absl::flat_hash_set<int64_t> present(done.begin(), done.end());
  const int64_t chunks =
      (options.operations + options.chunk - 1) / options.chunk;
  std::vector<int64_t> todo;
  int64_t todo_operations = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    if (present.contains(chunk)) continue;
    todo.push_back(chunk);
    todo_operations +=
        std::min(options.chunk, options.operations - chunk * options.chunk);
  }

  SeedReport report;
  report.resumed = options.operations - todo_operations;
  const int64_t start_ns = MonotonicNowNs();
  Loader loader(url, options, std::move(todo));
  OPSBENCH_RETURN_IF_ERROR(loader.Run(report.resumed, start_ns));
  OPSBENCH_RETURN_IF_ERROR(FinishStore(connection, options, start_ns));
  report.elapsed = absl::Nanoseconds(MonotonicNowNs() - start_ns);
  report.operations = loader.operations();
  report.prefix_rows = loader.prefix_rows();
  report.operations_per_second = static_cast<double>(report.operations) /
                                 absl::ToDoubleSeconds(report.elapsed);
  OPSBENCH_RETURN_IF_ERROR(CheckData(store, options));
  OPSBENCH_RETURN_IF_ERROR(store.Complete());
  return report;
}

}  // namespace opsbench::sidetable
