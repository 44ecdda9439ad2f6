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
                  Strategy strategy, const std::vector<MixOperation>& mix,
                  int distinct)
      : url_(url),
        connect_(connect),
        strategy_(strategy),
        mix_(mix),
        distinct_(distinct) {}

  absl::Status Open() {
    store_.reset();
    OPSBENCH_ASSIGN_OR_RETURN(session_, opsbench::Connect(url_, connect_));
    OPSBENCH_ASSIGN_OR_RETURN(store_, Store::Create(session_.get(), strategy_));
    return store_->RequireSeeded().status();
  }

  void Prepare(int operation, Random& random) override {
    if (distinct_ == 0) {
      request_.Draw(mix_[operation], random);
    } else {
      const uint64_t index = random.Below(static_cast<uint64_t>(distinct_));
      DrawDistinct(mix_[operation], static_cast<int>(index), &request_);
    }
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
        return store_->CountSince(request_.path,
                                  SinceOf(request_.operation->kind), &rows_);
      case OperationKind::kErrorRate:
        return store_->ErrorRate(request_.path,
                                 SinceOf(request_.operation->kind), &rows_);
      default:
        return store_->Latest(request_.path, kLimit, &rows_);
    }
  }

  const Url& url_;
  const ConnectOptions& connect_;
  const Strategy strategy_;
  const std::vector<MixOperation>& mix_;
  const int distinct_;
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

void DrawDistinct(const MixOperation& operation, int index, Request* request) {
  Random random = Random::Stream(static_cast<uint64_t>(operation.kind),
                                 static_cast<uint64_t>(operation.level),
                                 static_cast<uint64_t>(index));
  request->Draw(operation, random);
}

int64_t SinceOf(OperationKind kind) {
  switch (kind) {
    case OperationKind::kCount24h:
      return kDataNowUs - 24 * kHourUs;
    case OperationKind::kErrorRate:
      return kDataNowUs - 7 * 24 * kHourUs;
    default:
      return 0;
  }
}

SidetableWorkload::SidetableWorkload(Url url, ConnectOptions connect,
                                     Strategy strategy,
                                     std::vector<MixOperation> mix,
                                     int distinct)
    : url_(std::move(url)),
      connect_(std::move(connect)),
      strategy_(strategy),
      mix_(std::move(mix)),
      distinct_(distinct) {}

std::vector<WeightedOperation> SidetableWorkload::WeightedMix() const {
  std::vector<WeightedOperation> weighted;
  for (const MixOperation& operation : mix_) {
    weighted.push_back({operation.name, operation.weight});
  }
  return weighted;
}

absl::StatusOr<std::unique_ptr<Client>> SidetableWorkload::Connect(int) {
  auto client = std::make_unique<SidetableClient>(url_, connect_, strategy_,
                                                  mix_, distinct_);
  OPSBENCH_RETURN_IF_ERROR(client->Open());
  return client;
}

}  // namespace opsbench::sidetable
