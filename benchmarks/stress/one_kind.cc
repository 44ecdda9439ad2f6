#include "stress/one_kind.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/stress/answer_check.h"
#include "opsbench/stress/expectation.h"
#include "opsbench/stress/statements.h"

namespace opsbench::stress_bench {
namespace {

using stress::AnswerCheck;
using stress::DatabaseSchema;
using stress::Expectation;
using stress::FirstId;
using stress::IsWrite;
using stress::Operation;
using stress::OperationKind;
using stress::Outcome;
using stress::Plan;
using stress::RowMaker;
using stress::Statements;
using stress::Table;
using stress::User;
using stress::UserLog;

Plan WithBatches(Plan plan, const OneKindOptions& options) {
  plan.options.batch_min = options.batch_min;
  plan.options.batch_max = options.batch_max;
  return plan;
}

class OneKindClient : public Client {
 public:
  OneKindClient(const OneKindOptions& options, const Plan& plan,
                const User& user, int64_t ended, OneKind::Result* result)
      : options_(options),
        plan_(plan),
        user_(user),
        schema_(plan.schema_of(user)),
        ended_(ended),
        log_(options.population->logs().of(user.id)),
        result_(*result),
        check_(options.population->plan()) {}

  ~OneKindClient() override { CheckAnswer(); }

  absl::Status Open(const Url& url) {
    OPSBENCH_ASSIGN_OR_RETURN(sql_, stress::LoadWorkloadSql(url.engine));
    OPSBENCH_ASSIGN_OR_RETURN(session_, opsbench::Connect(url));
    statements_ = std::make_unique<Statements>(session_.get(), sql_, schema_);
    return absl::OkStatus();
  }

  void Prepare(int, Random& random) override {
    CheckAnswer();
    operation_ = plan_.Draw(user_, options_.kind, ended_, random);
    if (IsWrite(options_.kind)) {
      Fill(FirstId(user_.id, log_.begun()));
    } else if (options_.kind != OperationKind::kSchemaDdl) {
      const Plan& written = options_.population->plan();
      stress::Expect(written,
                     written.users[static_cast<size_t>(operation_.target)],
                     operation_.table, operation_.from_index, operation_.rows,
                     {.ended = ended_, .at_rest = true}, &expected_);
    }
  }

  bool Admit() override {
    log_.Begin(log_.begun(), operation_);
    return true;
  }

  absl::StatusOr<int64_t> Execute() override {
    const absl::StatusOr<int64_t> rows = Run();
    answered_ = rows.ok();
    OPSBENCH_RETURN_IF_ERROR(
        log_.End(operation_, rows.ok() ? Outcome::kDone : Outcome::kFailed,
                 operation_.rows, quarters_));
    return rows;
  }

 private:
  void Fill(int64_t first_id) {
    const Table& table = schema_.tables[operation_.table];
    values_.clear();
    text_.clear();
    text_.reserve(static_cast<size_t>(operation_.rows) *
                  RowMaker::MaxTextBytes(table.size));
    quarters_ = 0;
    for (int64_t id = first_id; id < first_id + operation_.rows; ++id) {
      RowMaker::Append(table, id, &text_, &values_);
      quarters_ += stress::ValueQuarters(table, id);
    }
  }

  absl::StatusOr<int64_t> Run() {
    switch (options_.kind) {
      case OperationKind::kBulkInsert:
        return statements_->InsertMany(operation_.table, values_,
                                       options_.bulk_method);
      case OperationKind::kSingleInsert:
        OPSBENCH_RETURN_IF_ERROR(
            statements_->Insert(operation_.table, values_));
        return 1;
      case OperationKind::kSchemaDdl:
        return statements_->UseTemporaryTable(operation_.rows);
      default:
        return statements_->Read(operation_, &rows_);
    }
  }

  void CheckAnswer() {
    if (!std::exchange(answered_, false) || IsWrite(options_.kind) ||
        options_.kind == OperationKind::kSchemaDdl) {
      return;
    }
    ++result_.checked_answers;
    const absl::Status status =
        check_.Check(schema_, operation_, expected_, rows_);
    if (!status.ok() && result_.wrong.ok()) result_.wrong = status;
  }

  const OneKindOptions& options_;
  const Plan& plan_;
  const User user_;
  const DatabaseSchema& schema_;
  const int64_t ended_;
  UserLog& log_;
  OneKind::Result& result_;
  SqlCatalog sql_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Statements> statements_;  // Uses session_, so it goes first.

  Operation operation_;
  std::vector<Value> values_;  // Of the rows to write.
  std::string text_;
  int64_t quarters_ = 0;
  Expectation expected_;
  ResultSet rows_;
  bool answered_ = false;
  AnswerCheck check_;
};

}  // namespace

OneKind::OneKind(const OneKindOptions& options)
    : options_(options),
      plan_(WithBatches(options.population->plan(), options)),
      ended_(options.population->ended()),
      results_(plan_.users.size()) {
  options.population->AddPart(
      [plan = plan_, kind = options.kind, ended = ended_](const User& user,
                                                          int64_t index) {
        Random random = stress::StreamOf(user, index);
        random.Next();  // By which the load engine chose the kind.
        return plan.Draw(user, kind, ended, random);
      });
}

OneKind::~OneKind() = default;

absl::StatusOr<std::unique_ptr<Client>> OneKind::Connect(int worker) {
  const auto index = static_cast<size_t>(worker);
  const User& user = plan_.users[index];
  auto client = std::make_unique<OneKindClient>(options_, plan_, user, ended_,
                                                &results_[index]);
  OPSBENCH_RETURN_IF_ERROR(
      client->Open(options_.population->databases()
                       .urls[static_cast<size_t>(user.database)]));
  return client;
}

LoadOptions OneKind::MakeLoadOptions() const {
  LoadOptions options;
  options.mix = {{std::string(stress::OperationKindName(options_.kind)), 1}};
  options.workers = static_cast<int>(plan_.users.size());
  for (const User& user : plan_.users) {
    options.worker_seeds.push_back(user.seed);
  }
  options.seed = plan_.options.seed;
  return options;
}

absl::Status OneKind::Check() const {
  for (const Result& result : results_) {
    OPSBENCH_RETURN_IF_ERROR(result.wrong);
  }
  return options_.population->AskOracle();
}

int64_t OneKind::checked_answers() const {
  int64_t sum = 0;
  for (const Result& result : results_) sum += result.checked_answers;
  return sum;
}

}  // namespace opsbench::stress_bench
