#include "opsbench/stress/client.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/stress/answer_check.h"
#include "opsbench/stress/expectation.h"
#include "opsbench/stress/statements.h"

namespace opsbench::stress {
namespace {

// Pauses between attempts to connect: the first one and the longest.
constexpr int64_t kFirstPauseNs = 10'000'000;
constexpr int64_t kLongestPauseNs = 1'000'000'000;
// How often a pause looks whether the run ends.
constexpr int64_t kPauseSliceNs = 20'000'000;

// The rows of the next write, made before it is due and used again.
class WriteBuffer {
 public:
  void Fill(const Table& table, int64_t first_id, int64_t rows) {
    values_.clear();
    text_.clear();
    text_.reserve(static_cast<size_t>(rows) *
                  RowMaker::MaxTextBytes(table.size));
    quarters_ = 0;
    for (int64_t id = first_id; id < first_id + rows; ++id) {
      RowMaker::Append(table, id, &text_, &values_);
      quarters_ += ValueQuarters(table, id);
    }
  }

  absl::Span<const Value> values() const { return values_; }
  int64_t quarters() const { return quarters_; }

 private:
  std::vector<Value> values_;
  std::string text_;
  int64_t quarters_ = 0;
};

// What is known of a write that ended with `status`.
Outcome OutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return Outcome::kDone;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return Outcome::kUnknown;
    default:
      return Outcome::kFailed;
  }
}

class StressClient : public Client {
 public:
  StressClient(const StressWorkloadOptions& options, const User& user,
               UserResult* result)
      : options_(options),
        plan_(*options.plan),
        user_(user),
        schema_(plan_.schema_of(user)),
        url_(options.databases.urls[static_cast<size_t>(user.database)]),
        log_(*options.logs[static_cast<size_t>(user.id)]),
        result_(*result),
        check_(plan_) {}

  ~StressClient() override { CheckAnswer(); }

  absl::Status Open() {
    OPSBENCH_ASSIGN_OR_RETURN(sql_, LoadWorkloadSql(url_.engine));
    return Reconnect();
  }

  void Prepare(int kind, Random& random) override {
    CheckAnswer();
    operation_ =
        plan_.Draw(user_, static_cast<OperationKind>(kind), index_, random);
    if (IsWrite(operation_.kind)) {
      buffer_.Fill(table(), FirstId(user_.id, index_), operation_.rows);
    } else if (operation_.kind != OperationKind::kSchemaDdl) {
      ExpectAnswer();
    }
  }

  bool Admit() override {
    log_.Begin(index_++, operation_);
    if (options_.over_disk_budget == nullptr || !IsWrite(operation_.kind) ||
        !options_.over_disk_budget->load(std::memory_order_relaxed)) {
      return true;
    }
    End(Outcome::kSkipped);
    return false;
  }

  absl::StatusOr<int64_t> Execute() override {
    absl::StatusOr<int64_t> rows = Run();
    const Outcome outcome = OutcomeOf(rows.status());
    End(outcome);
    if (IsWrite(operation_.kind)) {
      result_.failed_writes += outcome == Outcome::kFailed ? 1 : 0;
      result_.unknown_writes += outcome == Outcome::kUnknown ? 1 : 0;
    } else {
      answered_ = rows.ok();
    }
    if (absl::IsDataLoss(rows.status())) AddWrong(rows.status());
    return rows;
  }

  absl::Status Recover() override {
    const int64_t end_ns =
        MonotonicNowNs() + absl::ToInt64Nanoseconds(options_.reconnect_timeout);
    int64_t pause_ns = kFirstPauseNs;
    for (;;) {
      const absl::Status status = Reconnect();
      if (status.ok()) {
        ++result_.reconnects;
        return status;
      }
      if (MonotonicNowNs() + pause_ns > end_ns) return status;
      if (!Pause(pause_ns)) return absl::OkStatus();
      pause_ns = std::min(2 * pause_ns, kLongestPauseNs);
    }
  }

 private:
  const Table& table() const { return schema_.tables[operation_.table]; }

  absl::Status Reconnect() {
    statements_.reset();
    session_.reset();
    ConnectOptions options;
    options.connect_timeout_ms = 5'000;
    OPSBENCH_ASSIGN_OR_RETURN(session_, opsbench::Connect(url_, options));
    statements_ = std::make_unique<Statements>(session_.get(), sql_, schema_);
    return absl::OkStatus();
  }

  // False: the run is to stop.
  bool Pause(int64_t length_ns) {
    const int64_t end_ns = MonotonicNowNs() + length_ns;
    while (MonotonicNowNs() < end_ns) {
      if (options_.stop != nullptr &&
          options_.stop->load(std::memory_order_relaxed)) {
        return false;
      }
      std::this_thread::sleep_for(std::chrono::nanoseconds(
          std::min(kPauseSliceNs, end_ns - MonotonicNowNs())));
    }
    return true;
  }

  absl::StatusOr<int64_t> Run() {
    switch (operation_.kind) {
      case OperationKind::kBulkInsert:
        return InsertMany();
      case OperationKind::kSingleInsert:
        OPSBENCH_RETURN_IF_ERROR(
            statements_->Insert(operation_.table, buffer_.values()));
        return 1;
      case OperationKind::kSchemaDdl:
        return statements_->UseTemporaryTable(operation_.rows);
      default:
        return statements_->Read(operation_, &rows_);
    }
  }

  absl::StatusOr<int64_t> InsertMany() {
    OPSBENCH_ASSIGN_OR_RETURN(
        const int64_t rows,
        statements_->InsertMany(operation_.table, buffer_.values(),
                                options_.bulk_method));
    if (rows == operation_.rows) return rows;
    return absl::DataLossError(
        absl::StrCat(rows, " rows taken of ", operation_.rows));
  }

  void End(Outcome outcome) {
    const absl::Status status =
        log_.End(operation_, outcome, operation_.rows, buffer_.quarters());
    if (!status.ok() && result_.log_status.ok()) result_.log_status = status;
  }

  // What the answer must hold, as far as it is known before it is asked for.
  void ExpectAnswer() {
    const User& target = plan_.users[static_cast<size_t>(operation_.target)];
    Progress progress;
    if (target.id == user_.id) {
      progress = {
          .ended = index_, .at_rest = true, .exceptions = &log_.exceptions()};
    } else {
      const UserLog& log = *options_.logs[static_cast<size_t>(target.id)];
      progress.ended = log.ended();
      // Which of them failed is only known to the user itself.
      if (log.exceptions_seen() > 0) progress.ended = 0;
    }
    Expect(plan_, target, operation_.table, operation_.from_index,
           operation_.rows, progress, &expected_);
  }

  void CheckAnswer() {
    if (!answered_) return;
    answered_ = false;
    if (operation_.kind == OperationKind::kSchemaDdl) return;
    ++(expected_.complete ? result_.checked_exactly : result_.checked_partly);
    const absl::Status status =
        check_.Check(schema_, operation_, expected_, rows_);
    if (!status.ok()) AddWrong(status);
  }

  void AddWrong(const absl::Status& status) {
    if (++result_.wrong_answers > static_cast<int64_t>(UserResult::kMaxWrong)) {
      return;
    }
    result_.first_wrong.push_back(absl::StrCat(
        "user ", user_.id, ", operation ", index_ - 1, " (",
        DescribeOperation(schema_, operation_), "): ", status.message()));
  }

  const StressWorkloadOptions& options_;
  const Plan& plan_;
  const User user_;
  const DatabaseSchema& schema_;
  const Url& url_;
  UserLog& log_;
  UserResult& result_;
  SqlCatalog sql_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Statements> statements_;  // Uses session_, so it goes first.

  // The load engine prepares each index once, in their order.
  int64_t index_ = 0;
  Operation operation_;
  WriteBuffer buffer_;
  Expectation expected_;
  ResultSet rows_;
  bool answered_ = false;  // rows_ waits to be checked.
  AnswerCheck check_;
};

}  // namespace

LoadOptions LoadOptionsOf(const Plan& plan) {
  LoadOptions options;
  for (int kind = 0; kind < kOperationKinds; ++kind) {
    options.mix.push_back(
        {std::string(OperationKindName(static_cast<OperationKind>(kind))), 1});
  }
  options.workers = static_cast<int>(plan.users.size());
  for (const User& user : plan.users) {
    const auto& weights = ClassWeights(user.user_class);
    options.worker_weights.emplace_back(weights.begin(), weights.end());
    options.worker_seeds.push_back(user.seed);
  }
  options.seed = plan.options.seed;
  return options;
}

StressWorkload::StressWorkload(StressWorkloadOptions options)
    : options_(std::move(options)), results_(options_.plan->users.size()) {}

StressWorkload::~StressWorkload() = default;

absl::StatusOr<std::unique_ptr<Client>> StressWorkload::Connect(int worker) {
  const auto index = static_cast<size_t>(worker);
  auto client = std::make_unique<StressClient>(
      options_, options_.plan->users[index], &results_[index]);
  OPSBENCH_RETURN_IF_ERROR(client->Open());
  return client;
}

}  // namespace opsbench::stress
