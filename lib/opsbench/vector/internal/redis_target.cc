#include "opsbench/vector/internal/redis_target.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "opsbench/base/random.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/vector/index_mark.h"
#include "opsbench/vector/internal/redis_owner.h"
#include "opsbench/vector/internal/redis_reply.h"
#include "opsbench/vector/redis_commands.h"
#include "opsbench/vector/redis_features.h"
#include "opsbench/vector/redis_load.h"

namespace opsbench::vector::internal {
namespace {

constexpr int kInsertClients = 4;
constexpr int kInsertPipeline = 16;
constexpr int kPings = 200;
constexpr int64_t kReadBack = 100;  // Requests whose effect is looked at.
// An index that has not grown for this long will not.
constexpr absl::Duration kIndexingPatience = absl::Seconds(60);
// One that was complete once: it is being read from a file, or it is damaged.
constexpr absl::Duration kSettled = absl::Seconds(2);

// A fixed command, whose reply is handed on.
class OneCommand : public RedisTraffic {
 public:
  using OnAnswer = std::function<absl::Status(const redisReply&)>;

  OneCommand(const std::vector<std::string>& command, OnAnswer on_answer)
      : on_answer_(std::move(on_answer)) {
    AppendRespCommand(
        std::vector<absl::string_view>(command.begin(), command.end()),
        &bytes_);
  }

  int Append(int64_t, std::string* out) override {
    out->append(bytes_);
    return kAnyNode;
  }
  absl::Status OnReply(int64_t, const redisReply& reply) override {
    return on_answer_ ? on_answer_(reply) : absl::OkStatus();
  }

 private:
  std::string bytes_;
  const OnAnswer on_answer_;
};

class InsertTraffic : public RedisTraffic {
 public:
  InsertTraffic(const RedisIndex& index, const Dataset& data)
      : index_(index), data_(data) {}

  int Append(int64_t row, std::string* out) override {
    return index_.AppendInsert(data_, static_cast<size_t>(row), out);
  }
  absl::Status OnReply(int64_t row, const redisReply& reply) override {
    const absl::Status status = index_.ParseInsert(reply);
    if (status.ok()) return status;
    return absl::Status(status.code(),
                        absl::StrCat("row ", row, ": ", status.message()));
  }

 private:
  const RedisIndex& index_;
  const Dataset& data_;
};

// Queries in an order that the seed draws.
class SearchTraffic : public RedisTraffic {
 public:
  SearchTraffic(const RedisIndex& index, const BenchmarkConfig& config,
                const Dataset& data, const GroundTruth& truth)
      : index_(index),
        config_(config),
        data_(data),
        truth_(truth),
        request_(SearchOf(config)) {}

  int Append(int64_t index, std::string* out) override {
    request_.query = data_.queries().row(QueryOf(index));
    return index_.AppendSearch(request_, out);
  }

  absl::Status OnReply(int64_t index, const redisReply& reply) override {
    OPSBENCH_RETURN_IF_ERROR(index_.ParseSearch(reply, &found_));
    Count(QueryOf(index), found_);
    return absl::OkStatus();
  }

  void OnError(int64_t index) override { Count(QueryOf(index), {}); }

  Recall recall() const override { return recall_; }

 private:
  size_t QueryOf(int64_t index) const {
    return Random::Stream(config_.seed, static_cast<uint64_t>(index))
        .Below(data_.queries().rows);
  }

  void Count(size_t query, absl::Span<const Neighbor> found) {
    AddRecall(data_, query, truth_.of(query), found,
              static_cast<size_t>(config_.k), &recall_, &config_.filter);
  }

  const RedisIndex& index_;
  const BenchmarkConfig& config_;
  const Dataset& data_;
  const GroundTruth& truth_;
  SearchRequest request_;
  std::vector<Neighbor> found_;
  Recall recall_;
};

class RedisTarget : public Target {
 public:
  RedisTarget(Url url, std::string name, std::unique_ptr<RedisIndex> index,
              BackendInfo plain)
      : url_(std::move(url)),
        name_(std::move(name)),
        index_(std::move(index)),
        plain_(std::move(plain)) {}

  // What cannot be removed is left under its mark.
  ~RedisTarget() override {
    for (const auto& [name, command] : claimed_) {
      (void)ReleaseRedisKeys(url_, command);
    }
  }

  const BackendInfo& info() const override {
    return index_ == nullptr ? plain_ : index_->info();
  }

  absl::StatusOr<IndexState> Find(const Dataset& data,
                                  const BuildOptions& options) override {
    const IndexMark wanted = WantedMark(data, options);
    OPSBENCH_ASSIGN_OR_RETURN(const auto owner, Owner());
    OPSBENCH_ASSIGN_OR_RETURN(const RedisOwner::Mark mark, owner->ReadMark());
    mark_ = mark.ours;
    if (!mark.foreign.empty()) {
      return State(IndexState::Kind::kForeign, mark.foreign);
    }
    const std::string index = absl::StrCat("index ", name_);
    if (mark_.has_value() && mark_->complete && mark_->SameIndex(wanted)) {
      const absl::Status there = CheckThere(*owner, data, kSettled);
      if (there.ok()) return State(IndexState::Kind::kCurrent, index);
      if (!absl::IsInternal(there)) return there;
      return Other(index, there.message());
    }
    OPSBENCH_ASSIGN_OR_RETURN(const std::string foreign,
                              owner->FindForeign(mark_));
    if (!foreign.empty()) return State(IndexState::Kind::kForeign, foreign);
    if (!mark_.has_value()) return IndexState();
    if (mark_->SameIndex(wanted)) {
      return State(IndexState::Kind::kUnfinished, index);
    }
    return Other(
        index, absl::StrCat("holds ", DescribeIndexMark(*mark_),
                            ", and asked for are ", DescribeIndexMark(wanted)));
  }

  absl::Status Remove(bool foreign) override {
    OPSBENCH_ASSIGN_OR_RETURN(const auto owner, Owner());
    if (mark_.has_value()) {
      OPSBENCH_RETURN_IF_ERROR(owner->RemoveOurs(*mark_));
    }
    if (foreign) OPSBENCH_RETURN_IF_ERROR(owner->RemoveAll());
    mark_.reset();
    return absl::OkStatus();
  }

  absl::Status Build(const Dataset& data,
                     const BuildOptions& options) override {
    {
      OPSBENCH_ASSIGN_OR_RETURN(const auto owner, Owner());
      mark_ = WantedMark(data, options);
      OPSBENCH_RETURN_IF_ERROR(owner->WriteMark(*mark_));
      OPSBENCH_RETURN_IF_ERROR(
          owner->Create(index_->CreateCommand(data, options)));
    }
    QueryLoadOptions load;
    load.clients = kInsertClients;
    load.pipeline = kInsertPipeline;
    load.requests = static_cast<int64_t>(data.base().rows);
    load.warmup = absl::ZeroDuration();
    load.stop = options.stop;
    if (options.on_progress) {
      load.on_progress = [&](const QueryLoadProgress& progress) {
        options.on_progress(progress.requests);
      };
    }
    OPSBENCH_ASSIGN_OR_RETURN(
        const QueryLoadResult result, RunRedisLoad(url_, load, [&](int) {
          return std::make_unique<InsertTraffic>(*index_, data);
        }));
    if (result.interrupted) return absl::CancelledError("interrupted");
    if (result.errors > 0) {
      return absl::Status(
          RedisErrorStatus(result.first_error).code(),
          absl::StrCat(
              result.errors, " of ", load.requests,
              " vectors were refused, the first with: ", result.first_error));
    }
    return WaitUntilIndexed(static_cast<int64_t>(data.base().rows),
                            kIndexingPatience, options);
  }

  absl::Status Verify(const Dataset& data) override {
    OPSBENCH_ASSIGN_OR_RETURN(const auto owner, Owner());
    const absl::Status there = CheckThere(*owner, data, absl::ZeroDuration());
    if (!there.ok()) {
      return absl::Status(there.code(),
                          absl::StrCat("index ", name_, " ", there.message()));
    }
    mark_->complete = true;
    return owner->WriteMark(*mark_);
  }

  absl::Status CheckStillThere(const Dataset& data) override {
    if (index_ == nullptr) return absl::OkStatus();
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t count, Count());
    const auto rows = static_cast<int64_t>(data.base().rows);
    if (count == rows) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(
        "index ", name_, " had ", count, " of ", rows,
        " vectors after the measurement: somebody else, or the server's "
        "maxmemory-policy, removed or added some"));
  }

  absl::StatusOr<QueryLoadResult> Run(
      const BenchmarkConfig& config, const Dataset* data,
      const GroundTruth* truth, const QueryLoadOptions& options) override {
    if (config.is_search()) {
      return RunRedisLoad(url_, options, [&](int) {
        return std::make_unique<SearchTraffic>(*index_, config, *data, *truth);
      });
    }
    const RedisCommandOptions command = CommandOf(config);
    OPSBENCH_ASSIGN_OR_RETURN(const TrafficFactory traffic,
                              MakeRedisCommandTraffic(command));
    OPSBENCH_RETURN_IF_ERROR(Claim(command));
    OPSBENCH_RETURN_IF_ERROR(Fill(command, options.stop));
    return RunRedisLoad(url_, options, traffic);
  }

  absl::Status CheckEffect(const BenchmarkConfig& config,
                           const QueryLoadResult& result) override {
    if (config.is_search()) return absl::OkStatus();
    const RedisCommandInfo& info = *FindRedisCommand(config.operation);
    if (info.must_find && result.empty_replies > 0) {
      return absl::DataLossError(absl::StrCat(
          result.empty_replies, " of ", result.requests, " ", config.operation,
          " found no value, and every key had one: keys were evicted or "
          "deleted"));
    }
    // Evenly over the requests that were sent for certain.
    std::vector<int64_t> indexes;
    const int64_t sent = std::min(result.all_sent_below, result.requests);
    const int64_t samples = std::min(sent, kReadBack);
    for (int64_t i = 0; i < samples; ++i) {
      indexes.push_back(i * sent / samples);
    }
    const TrafficFactory read =
        MakeRedisReadBackTraffic(CommandOf(config), indexes);
    if (read == nullptr || indexes.empty()) return absl::OkStatus();
    QueryLoadOptions load;
    load.clients = 1;
    load.requests = samples;
    load.warmup = absl::ZeroDuration();
    OPSBENCH_ASSIGN_OR_RETURN(const QueryLoadResult found,
                              RunRedisLoad(url_, load, read));
    if (found.errors == 0) return absl::OkStatus();
    return absl::DataLossError(
        absl::StrCat(found.errors, " of ", samples,
                     " keys that were read "
                     "back after the measurement are wrong: ",
                     found.first_error));
  }

  absl::StatusOr<absl::optional<Histogram>> Baseline() override {
    OPSBENCH_ASSIGN_OR_RETURN(Histogram ping, PingLatency(url_, kPings));
    return absl::make_optional(std::move(ping));
  }

  int64_t MemoryBytes() override { return 0; }

 private:
  // One command and its reply; an error reply as a status.
  absl::Status Ask(const std::vector<std::string>& command,
                   OneCommand::OnAnswer on_answer) {
    QueryLoadOptions one;
    one.clients = 1;
    one.requests = 1;
    one.warmup = absl::ZeroDuration();
    absl::Status status;
    OPSBENCH_ASSIGN_OR_RETURN(const QueryLoadResult result,
                              RunRedisLoad(url_, one, [&](int) {
                                return std::make_unique<OneCommand>(
                                    command, [&](const redisReply& reply) {
                                      if (on_answer) status = on_answer(reply);
                                      return absl::OkStatus();
                                    });
                              }));
    if (result.errors == 0) return status;
    if (result.errors_by_kind.count("UNAVAILABLE") > 0) {
      return absl::UnavailableError(result.first_error);
    }
    return IndexErrorStatus(result.first_error);
  }

  IndexMark WantedMark(const Dataset& data, const BuildOptions& options) const {
    return MakeIndexMark(data, info().name, index_->OptionsText(options));
  }

  absl::StatusOr<std::unique_ptr<RedisOwner>> Owner() const {
    return RedisOwner::Connect(url_, name_, info().name);
  }

  IndexState State(IndexState::Kind kind, const std::string& what) const {
    return {kind, absl::StrCat(what, " at ", url_.Redacted())};
  }
  IndexState Other(const std::string& what, absl::string_view how) const {
    IndexState state = State(IndexState::Kind::kOther, what);
    absl::StrAppend(&state.what, " ", how);
    return state;
  }

  // The vectors that can be searched; 0 without an index.
  absl::StatusOr<int64_t> Count() {
    int64_t count = 0;
    const absl::Status status =
        Ask(index_->CountCommand(), [&](const redisReply& reply) {
          OPSBENCH_ASSIGN_OR_RETURN(count, index_->ParseCount(reply));
          return absl::OkStatus();
        });
    if (!absl::IsNotFound(status)) OPSBENCH_RETURN_IF_ERROR(status);
    return count;
  }

  // Whether the index has all vectors of the data, and a sample of them is what
  // it is to be. Internal says how it differs, after the index's name.
  absl::Status CheckThere(RedisOwner& owner, const Dataset& data,
                          absl::Duration patience) {
    const auto rows = static_cast<int64_t>(data.base().rows);
    const absl::Status indexed = WaitUntilIndexed(rows, patience, {});
    if (!indexed.ok() && !absl::IsDeadlineExceeded(indexed)) return indexed;
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t count, Count());
    if (count != rows) {
      return absl::InternalError(
          absl::StrCat("has ", count, " vectors and not ", rows));
    }
    for (const size_t row : SampleRows(data)) {
      OPSBENCH_ASSIGN_OR_RETURN(
          const RedisReply reply,
          owner.ExecuteForKey(index_->KeyOf(row), index_->ReadCommand(row)));
      const absl::Status read = index_->CheckRow(data, row, reply);
      if (!read.ok()) {
        return absl::Status(read.code(),
                            absl::StrCat("is not whole: ", read.message()));
      }
    }
    return absl::OkStatus();
  }

  absl::Status WaitUntilIndexed(int64_t rows, absl::Duration patience,
                                const BuildOptions& options) {
    int64_t last = -1;
    absl::Time grown = absl::Now();
    while (true) {
      OPSBENCH_ASSIGN_OR_RETURN(const int64_t count, Count());
      if (count >= rows) return absl::OkStatus();
      if (options.stopped()) return absl::CancelledError("interrupted");
      if (count != last) grown = absl::Now();
      last = count;
      if (absl::Now() - grown > patience) {
        return absl::DeadlineExceededError(absl::StrCat(
            "the server has indexed ", count, " of ", rows,
            " vectors, and none for ", absl::FormatDuration(patience)));
      }
      if (options.on_progress) options.on_progress(count);
      absl::SleepFor(absl::Milliseconds(20));
    }
  }

  // Once for each command; the most keys of it are kept in mind.
  absl::Status Claim(const RedisCommandOptions& command) {
    const auto [claimed, is_new] = claimed_.emplace(command.command, command);
    if (!is_new) {
      claimed->second.key_space =
          std::max(claimed->second.key_space, command.key_space);
      return absl::OkStatus();
    }
    const absl::Status status = ClaimRedisKeys(url_, command);
    if (!status.ok()) claimed_.erase(claimed);
    return status;
  }

  static RedisCommandOptions CommandOf(const BenchmarkConfig& config) {
    return {.command = config.operation,
            .key_space = config.key_space,
            .value_bytes = config.value_bytes,
            .seed = config.seed,
            .key_prefix = config.key_prefix};
  }

  // What commands read has to be there: once for each kind of key, as long as
  // nothing else was run.
  absl::Status Fill(const RedisCommandOptions& command,
                    const std::atomic<bool>* stop) {
    const TrafficFactory fill = MakeRedisFillTraffic(command);
    const std::string key = absl::StrCat(
        command.command, " ", command.key_space, " ", command.value_bytes);
    if (key == filled_) return absl::OkStatus();
    filled_.clear();
    if (fill == nullptr) return absl::OkStatus();
    const Stage stage("populate", command.command);
    QueryLoadOptions load;
    load.clients = kInsertClients;
    load.pipeline = kInsertPipeline;
    load.requests = command.key_space;
    load.warmup = absl::ZeroDuration();
    load.stop = stop;
    OPSBENCH_ASSIGN_OR_RETURN(const QueryLoadResult result,
                              RunRedisLoad(url_, load, fill));
    if (result.errors > 0) {
      return absl::InternalError(
          absl::StrCat("filling the keys failed: ", result.first_error));
    }
    if (!FindRedisCommand(command.command)->consumes) filled_ = key;
    return absl::OkStatus();
  }

  const Url url_;
  const std::string name_;  // Of the index.
  const std::unique_ptr<RedisIndex> index_;
  const BackendInfo plain_;
  absl::optional<IndexMark> mark_;  // What the server has, as last seen.
  std::string filled_;
  std::map<std::string, RedisCommandOptions> claimed_;  // By command.
};

}  // namespace

absl::StatusOr<std::unique_ptr<Target>> MakeRedisTarget(
    const Url& url, std::string name, std::unique_ptr<RedisIndex> index) {
  BackendInfo plain;
  plain.name = "redis";
  plain.remote = true;
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<RedisSession> session,
                            ConnectRedis(url));
  OPSBENCH_ASSIGN_OR_RETURN(const RedisFeatures features,
                            DetectRedisFeatures(*session));
  const size_t space = features.server.find(' ');
  if (space != std::string::npos) {
    plain.name = features.valkey ? "valkey" : "redis";
    plain.version = features.server.substr(space + 1);
  }
  return std::make_unique<RedisTarget>(url, std::move(name), std::move(index),
                                       std::move(plain));
}

}  // namespace opsbench::vector::internal
