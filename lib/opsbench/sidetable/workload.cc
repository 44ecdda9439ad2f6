#include "opsbench/sidetable/workload.h"

#include <algorithm>
#include <utility>

#include "opsbench/base/status_macros.h"
#include "opsbench/sidetable/store.h"

namespace opsbench::sidetable {
namespace {

class SidetableClient : public Client {
 public:
  SidetableClient(const Url& url, const ConnectOptions& connect,
                  Strategy strategy, const std::vector<MixOperation>& mix)
      : url_(url), connect_(connect), strategy_(strategy), mix_(mix) {}

  absl::Status Open() {
    store_.reset();
    OPSBENCH_ASSIGN_OR_RETURN(session_, opsbench::Connect(url_, connect_));
    OPSBENCH_ASSIGN_OR_RETURN(store_, Store::Create(session_.get(), strategy_));
    return store_->RequireSeeded().status();
  }

  void Prepare(int operation, Random& random) override {
    request_.Draw(mix_[operation], random);
  }

  absl::StatusOr<int64_t> Execute() override {
    switch (request_.operation->kind) {
      case OperationKind::kInsertSingle:
        OPSBENCH_RETURN_IF_ERROR(store_->InsertOne(request_.inserts()[0]));
        return 1;
      case OperationKind::kInsertBatch:
        OPSBENCH_RETURN_IF_ERROR(store_->InsertMany(request_.inserts()));
        return static_cast<int64_t>(request_.inserts().size());
      default:
        OPSBENCH_RETURN_IF_ERROR(Read());
        return static_cast<int64_t>(rows_.row_count());
    }
  }

  absl::Status Recover() override { return Open(); }

 private:
  absl::Status Read() {
    switch (request_.operation->kind) {
      case OperationKind::kLatestOffset:
        return store_->LatestOffset(request_.path, kLimit, request_.offset,
                                    &rows_);
      case OperationKind::kExact:
        return store_->Exact(request_.path, kLimit, &rows_);
      case OperationKind::kCount24h:
        return store_->CountSince(request_.path, kDataNowUs - 24 * kHourUs,
                                  &rows_);
      case OperationKind::kErrorRate:
        return store_->ErrorRate(request_.path, kDataNowUs - 7 * 24 * kHourUs,
                                 &rows_);
      default:
        return store_->Latest(request_.path, kLimit, &rows_);
    }
  }

  const Url& url_;
  const ConnectOptions& connect_;
  const Strategy strategy_;
  const std::vector<MixOperation>& mix_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Store> store_;  // Uses session_, so it goes first.
  Request request_;
  ResultSet rows_;
};

}  // namespace

void Request::Draw(const MixOperation& what, Random& random) {
  operation = &what;
  insert_count = 0;
  offset = 0;
  const Taxonomy& taxonomy = Taxonomy::Get();
  switch (what.kind) {
    case OperationKind::kInsertSingle:
    case OperationKind::kInsertBatch: {
      static const Generator generator(0);
      insert_count = static_cast<size_t>(what.batch);
      new_operations.resize(std::max(new_operations.size(), insert_count));
      for (size_t i = 0; i < insert_count; ++i) {
        const int64_t age_us = static_cast<int64_t>(random.Below(kHourUs));
        new_operations[i].Set(generator.Live(age_us, random));
      }
      break;
    }
    case OperationKind::kExact:
      path = taxonomy.paths()[taxonomy.Draw(random)].text;
      break;
    case OperationKind::kLatestCold:
      path = taxonomy.DrawColdL3(random);
      break;
    default:
      path = taxonomy.DrawPrefix(what.level, random);
      offset = random.Between(0, kMaxOffset);
  }
}

SidetableWorkload::SidetableWorkload(Url url, ConnectOptions connect,
                                     Strategy strategy,
                                     std::vector<MixOperation> mix)
    : url_(std::move(url)),
      connect_(std::move(connect)),
      strategy_(strategy),
      mix_(std::move(mix)) {}

std::vector<WeightedOperation> SidetableWorkload::WeightedMix() const {
  std::vector<WeightedOperation> weighted;
  for (const MixOperation& operation : mix_) {
    weighted.push_back({operation.name, operation.weight});
  }
  return weighted;
}

absl::StatusOr<std::unique_ptr<Client>> SidetableWorkload::Connect(int) {
  auto client =
      std::make_unique<SidetableClient>(url_, connect_, strategy_, mix_);
  OPSBENCH_RETURN_IF_ERROR(client->Open());
  return client;
}

}  // namespace opsbench::sidetable
