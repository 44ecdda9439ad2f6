#include "opsbench/sidetable/workload.h"

#include <algorithm>
#include <utility>

#include "opsbench/base/status_macros.h"
#include "opsbench/sidetable/store.h"

namespace opsbench::sidetable {

class SidetableClient : public Client {
 public:
  explicit SidetableClient(SidetableWorkload* workload)
      : workload_(*workload) {}
  ~SidetableClient() override { workload_.Add(written_); }

  absl::Status Open() {
    store_.reset();
    OPSBENCH_ASSIGN_OR_RETURN(
        session_, opsbench::Connect(workload_.url_, workload_.connect_));
    OPSBENCH_ASSIGN_OR_RETURN(
        store_,
        Store::Create(session_.get(), workload_.strategy_, workload_.purpose_));
    return store_->RequireSeeded().status();
  }

  void Prepare(int operation, Random& random) override {
    const MixOperation& drawn = workload_.mix_[operation];
    if (workload_.distinct_ == 0) {
      request_.Draw(drawn, random);
    } else {
      const uint64_t index =
          random.Below(static_cast<uint64_t>(workload_.distinct_));
      DrawDistinct(drawn, static_cast<int>(index), &request_);
    }
  }

  absl::StatusOr<int64_t> Execute() override {
    switch (request_.operation->kind) {
      case OperationKind::kInsertSingle:
        return Count(store_->InsertOne(request_.inserts()[0]));
      case OperationKind::kInsertBatch:
        return Count(store_->InsertMany(request_.inserts()));
      default:
        OPSBENCH_RETURN_IF_ERROR(Read());
        return static_cast<int64_t>(rows_.row_count());
    }
  }

  absl::Status Recover() override { return Open(); }

 private:
  absl::StatusOr<int64_t> Count(const absl::Status& inserted) {
    const absl::Span<const NewOperation> operations = request_.inserts();
    const auto count = static_cast<int64_t>(operations.size());
    if (!inserted.ok()) {
      // A connection that is lost at COMMIT leaves it open.
      written_.uncertain += count;
      return inserted;
    }
    written_.Add(operations);
    return count;
  }

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

  SidetableWorkload& workload_;
  Written written_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Store> store_;  // Uses session_, so it goes first.
  Request request_;
  ResultSet rows_;
};

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
                                     int distinct, Purpose purpose)
    : url_(std::move(url)),
      connect_(std::move(connect)),
      strategy_(strategy),
      mix_(std::move(mix)),
      distinct_(distinct),
      purpose_(purpose) {}

std::vector<WeightedOperation> SidetableWorkload::WeightedMix() const {
  std::vector<WeightedOperation> weighted;
  for (const MixOperation& operation : mix_) {
    weighted.push_back({operation.name, operation.weight});
  }
  return weighted;
}

absl::StatusOr<std::unique_ptr<Client>> SidetableWorkload::Connect(int) {
  auto client = std::make_unique<SidetableClient>(this);
  OPSBENCH_RETURN_IF_ERROR(client->Open());
  return client;
}

Written SidetableWorkload::written() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return written_;
}

void SidetableWorkload::Add(const Written& written) {
  const std::lock_guard<std::mutex> lock(mutex_);
  written_.Add(written);
}

bool SidetableWorkload::Writes() const {
  return std::any_of(mix_.begin(), mix_.end(), [](const MixOperation& one) {
    return one.kind == OperationKind::kInsertSingle ||
           one.kind == OperationKind::kInsertBatch;
  });
}

}  // namespace opsbench::sidetable
