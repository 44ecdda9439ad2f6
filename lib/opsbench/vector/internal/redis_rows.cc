#include "opsbench/vector/internal/redis_rows.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/redis_reply.h"
#include "opsbench/vector/redis_index.h"
#include "opsbench/vector/redis_load.h"

namespace opsbench::vector::internal {
namespace {

constexpr int kClients = 4;
constexpr int kPipeline = 64;

// What was seen of the key of a row.
enum Seen : uint8_t { kNoKey = 1, kRowsFields = 2, kRowsVector = 4 };

bool LooksRight(uint8_t seen) {
  return (seen & kNoKey) != 0 ||
         (seen & (kRowsFields | kRowsVector)) == (kRowsFields | kRowsVector);
}

// Request 2 * row asks for the number of fields, the next one for the size of
// the vector.
class LookTraffic : public RedisTraffic {
 public:
  LookTraffic(const std::string& name, const IndexMark& mark,
              std::vector<uint8_t>* seen)
      : prefix_(absl::StrCat(name, ":")),
        vector_bytes_(mark.dimension * static_cast<int64_t>(sizeof(float))),
        seen_(*seen) {}

  int Append(int64_t index, std::string* out) override {
    const std::string key = absl::StrCat(prefix_, index / 2);
    if (index % 2 == 0) {
      AppendRespCommand({"HLEN", key}, out);
    } else {
      AppendRespCommand({"HSTRLEN", key, "v"}, out);
    }
    return ClusterSlot(key);
  }

  absl::Status OnReply(int64_t index, const redisReply& reply) override {
    const int64_t number = RedisReplyView(reply).integer();
    uint8_t& seen = seen_[static_cast<size_t>(index / 2)];
    if (index % 2 == 1) {
      if (number == vector_bytes_) seen |= kRowsVector;
    } else if (number == 0) {
      seen |= kNoKey;
    } else if (number == 1 || number == 3) {
      seen |= kRowsFields;
    }
    return absl::OkStatus();
  }

 private:
  const std::string prefix_;
  const int64_t vector_bytes_;
  std::vector<uint8_t>& seen_;
};

class UnlinkTraffic : public RedisTraffic {
 public:
  explicit UnlinkTraffic(const std::string& name)
      : prefix_(absl::StrCat(name, ":")) {}

  int Append(int64_t row, std::string* out) override {
    const std::string key = absl::StrCat(prefix_, row);
    AppendRespCommand({"UNLINK", key}, out);
    return ClusterSlot(key);
  }
  bool wants_replies() const override { return false; }
  absl::Status OnReply(int64_t, const redisReply&) override {
    return absl::OkStatus();
  }

 private:
  const std::string prefix_;
};

// One thread, so that the traffic needs no lock.
QueryLoadOptions Each(int64_t requests) {
  QueryLoadOptions options;
  options.clients = kClients;
  options.pipeline = kPipeline;
  options.requests = requests;
  options.warmup = absl::ZeroDuration();
  return options;
}

// The first error, with its kind; `except` is none.
absl::Status FirstError(const QueryLoadResult& result,
                        absl::string_view except = "") {
  for (const auto& [kind, count] : result.errors_by_kind) {
    if (kind == except) continue;
    return kind == "UNAVAILABLE" ? absl::UnavailableError(result.first_error)
                                 : RedisErrorStatus(result.first_error);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> FindOtherRow(const Url& url,
                                         const std::string& name,
                                         const IndexMark& mark) {
  if (mark.rows == 0) return std::string();
  std::vector<uint8_t> seen(static_cast<size_t>(mark.rows));
  OPSBENCH_ASSIGN_OR_RETURN(const QueryLoadResult result,
                            RunRedisLoad(url, Each(2 * mark.rows), [&](int) {
                              return std::make_unique<LookTraffic>(name, mark,
                                                                   &seen);
                            }));
  // A key of another type has neither, and is found below.
  OPSBENCH_RETURN_IF_ERROR(FirstError(result, "WRONGTYPE"));
  const auto other = std::find_if_not(seen.begin(), seen.end(), LooksRight);
  if (other == seen.end()) return std::string();
  return absl::StrCat(name, ":", other - seen.begin());
}

absl::Status RemoveRows(const Url& url, const std::string& name, int64_t rows) {
  if (rows == 0) return absl::OkStatus();
  OPSBENCH_ASSIGN_OR_RETURN(const QueryLoadResult result,
                            RunRedisLoad(url, Each(rows), [&](int) {
                              return std::make_unique<UnlinkTraffic>(name);
                            }));
  if (result.errors == 0) return absl::OkStatus();
  const absl::Status first = FirstError(result);
  return absl::Status(
      first.code(), absl::StrCat(result.errors, " of ", rows, " rows of ", name,
                                 " cannot be removed: ", first.message()));
}

}  // namespace opsbench::vector::internal
