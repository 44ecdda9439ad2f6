#include "opsbench/vector/redis_search_index.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/vector/internal/redis_reply.h"

namespace opsbench::vector {
namespace {

using internal::DecimalText;
using internal::DescribeReply;
using internal::FieldOf;
using internal::IntegerOf;
using internal::NumberOf;
using internal::TextOf;
using internal::UnexpectedReply;

constexpr absl::string_view kDistance = "dist";

absl::string_view MetricArgument(Metric metric) {
  switch (metric) {
    case Metric::kL2:
      return "L2";
    case Metric::kInnerProduct:
      return "IP";
    case Metric::kCosine:
      return "COSINE";
  }
  return "";
}

// "*", or what a row has to match.
void AppendFilter(const Filter& filter, std::string* query) {
  if (filter.by_tag) {
    absl::StrAppend(query, "(@tag:{", filter.tag, "})");
  } else if (filter.by_number) {
    absl::StrAppend(query, "(@number:[", DecimalText(filter.number_low), " (",
                    DecimalText(filter.number_high), "])");
  } else {
    query->push_back('*');
  }
}

class RedisSearchIndex : public RedisIndex {
 public:
  RedisSearchIndex(const RedisFeatures& features, std::string name,
                   Metric metric, bool distances)
      : valkey_(features.valkey),
        sum_of_nodes_(features.valkey && features.cluster),
        metric_(metric),
        distances_(distances),
        name_(std::move(name)),
        prefix_(absl::StrCat(name_, ":")) {
    info_.name = valkey_ ? "valkey_search" : "redis_search";
    info_.version =
        absl::StrCat(features.server, ", search ",
                     features.search_version.empty() ? "of unknown version"
                                                     : features.search_version);
    info_.filters = true;
    info_.remote = true;
  }

  const BackendInfo& info() const override { return info_; }

  std::string OptionsText(const BuildOptions& options) const override {
    return absl::StrCat("m:", options.m,
                        ",ef_construction:", options.ef_construction);
  }

  std::vector<std::string> CreateCommand(
      const Dataset& data, const BuildOptions& options) const override {
    std::vector<std::string> create = {"FT.CREATE", name_, "ON",   "HASH",
                                       "PREFIX",    "1",   prefix_};
    // There are no rows yet, so there is nothing to find among the keys that
    // there are. RediSearch would look through them for long, and take rows
    // twice that come meanwhile; valkey-search knows the word from 1.2 on.
    if (!valkey_) create.push_back("SKIPINITIALSCAN");
    const std::vector<std::string> schema = {
        "SCHEMA",
        "v",
        "VECTOR",
        "HNSW",
        "10",
        "TYPE",
        "FLOAT32",
        "DIM",
        absl::StrCat(data.dimension()),
        "DISTANCE_METRIC",
        std::string(MetricArgument(metric_)),
        "M",
        absl::StrCat(options.m),
        "EF_CONSTRUCTION",
        absl::StrCat(options.ef_construction)};
    create.insert(create.end(), schema.begin(), schema.end());
    if (!data.attributes().empty()) {
      create.insert(create.end(), {"tag", "TAG", "number", "NUMERIC"});
    }
    return create;
  }

  int AppendInsert(const Dataset& data, size_t row,
                   std::string* out) const override {
    const std::string key = KeyOf(row);
    const absl::string_view vector = internal::Blob(data.base().row(row));
    const Attributes& attributes = data.attributes();
    if (attributes.empty()) {
      AppendRespCommand({"HSET", key, "v", vector}, out);
    } else {
      AppendRespCommand(
          {"HSET", key, "v", vector, "tag", absl::StrCat(attributes.tags[row]),
           "number", DecimalText(attributes.numbers[row])},
          out);
    }
    return ClusterSlot(key);
  }

  // The number of fields that were not there.
  absl::Status ParseInsert(const redisReply& from) const override {
    return internal::CheckInserted(from);
  }

  std::string KeyOf(size_t row) const override {
    return absl::StrCat(prefix_, row);
  }
  std::vector<std::string> ReadCommand(size_t row) const override {
    return {"HGET", KeyOf(row), "v"};
  }
  absl::Status CheckRow(const Dataset& data, size_t row,
                        const RedisReply& reply) const override {
    if (reply.type == RedisReply::Type::kText &&
        reply.text == internal::Blob(data.base().row(row))) {
      return absl::OkStatus();
    }
    return internal::OtherRow(KeyOf(row));
  }

  int AppendSearch(const SearchRequest& request,
                   std::string* out) const override {
    std::string query;
    AppendFilter(request.filter, &query);
    absl::StrAppend(&query, "=>[KNN ", request.k, " @v $q");
    if (request.ef > 0) absl::StrAppend(&query, " EF_RUNTIME ", request.ef);
    absl::StrAppend(&query, " AS ", kDistance, "]");
    const std::string k = absl::StrCat(request.k);
    const absl::string_view blob = internal::Blob(request.query);
    if (distances_) {
      AppendRespCommand(
          {"FT.SEARCH", name_, query, "PARAMS", "2", "q", blob, "RETURN", "1",
           kDistance, "LIMIT", "0", k, "DIALECT", "2"},
          out);
    } else if (valkey_) {
      AppendRespCommand({"FT.SEARCH", name_, query, "PARAMS", "2", "q", blob,
                         "NOCONTENT", "LIMIT", "0", k, "DIALECT", "2"},
                        out);
    } else {
      AppendRespCommand(
          {"FT.SEARCH", name_, query, "PARAMS", "2", "q", blob, "NOCONTENT",
           "SORTBY", kDistance, "LIMIT", "0", k, "DIALECT", "2"},
          out);
    }
    return kAnyNode;
  }

  absl::Status ParseSearch(const redisReply& from,
                           std::vector<Neighbor>* found) const override {
    const RedisReplyView reply = from;
    found->clear();
    OPSBENCH_RETURN_IF_ERROR(internal::ReplyStatus(reply));
    const size_t step = distances_ ? 2 : 1;
    if (reply.size() % step != 1 % step || reply.size() == 0 ||
        !IntegerOf(reply[0]).has_value()) {
      return UnexpectedReply(
          "FT.SEARCH",
          absl::StrCat("not a count and ",
                       distances_ ? "pairs of key and fields" : "keys",
                       ", but ", DescribeReply(reply)));
    }
    for (size_t i = 1; i < reply.size(); i += step) {
      Neighbor neighbor;
      absl::Status status = ParseKey(reply[i], &neighbor);
      if (!distances_) {
        neighbor.distance = static_cast<float>(i - 1);
      } else if (status.ok()) {
        status = ParseDistance(reply[i + 1], &neighbor);
      }
      if (!status.ok()) {
        found->clear();
        return status;
      }
      found->push_back(neighbor);
    }
    std::sort(found->begin(), found->end());
    return absl::OkStatus();
  }

  std::vector<std::string> CountCommand() const override {
    if (sum_of_nodes_) return {"FT.INFO", name_, "PRIMARY"};
    return {"FT.INFO", name_};
  }

  absl::StatusOr<int64_t> ParseCount(const redisReply& from) const override {
    const RedisReplyView reply = from;
    OPSBENCH_RETURN_IF_ERROR(internal::ReplyStatus(reply));
    const auto count = FieldOf(reply, "num_docs");
    const auto rows = count.has_value() ? IntegerOf(*count) : absl::nullopt;
    if (!rows.has_value() || *rows < 0) {
      return UnexpectedReply("FT.INFO", "no num_docs that is a number");
    }
    const auto failures = FieldOf(reply, "hash_indexing_failures");
    const auto failed =
        failures.has_value() ? IntegerOf(*failures) : absl::nullopt;
    if (failed.value_or(0) > 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("Redis: index ", name_, " could not take ", *failed,
                       " of the rows under ", prefix_, LastFailure(reply)));
    }
    return Searchable(reply, *rows);
  }

 private:
  // A new index looks through the keys that there are, and until it is done
  // takes those anew that were written meanwhile: fewer count as long as that.
  // The names are RediSearch's and valkey-search's.
  static int64_t Searchable(RedisReplyView info, int64_t rows) {
    bool scanning = false;
    double part = 0;
    for (const absl::string_view name : {"indexing", "backfill_in_progress"}) {
      const auto field = FieldOf(info, name);
      if (field.has_value() && IntegerOf(*field).value_or(0) != 0) {
        scanning = true;
      }
    }
    for (const absl::string_view name :
         {"percent_indexed", "backfill_complete_percent"}) {
      const auto field = FieldOf(info, name);
      if (field.has_value()) part = NumberOf(*field).value_or(0);
    }
    if (!scanning || rows == 0) return rows;
    if (!(part > 0)) return 0;
    return static_cast<int64_t>(static_cast<double>(rows - 1) *
                                std::min(part, 1.0));
  }

  absl::Status ParseKey(RedisReplyView key, Neighbor* neighbor) const {
    absl::string_view id = TextOf(key).value_or("");
    if (!absl::ConsumePrefix(&id, prefix_) ||
        !absl::SimpleAtoi(id, &neighbor->id) || neighbor->id < 0) {
      return UnexpectedReply(
          "FT.SEARCH", absl::StrCat("a key that is not ", prefix_, "<row>"));
    }
    return absl::OkStatus();
  }

  static absl::Status ParseDistance(RedisReplyView fields, Neighbor* neighbor) {
    const auto field = FieldOf(fields, kDistance);
    const auto distance = field.has_value() ? NumberOf(*field) : absl::nullopt;
    if (!distance.has_value() ||
        std::abs(*distance) > std::numeric_limits<float>::max()) {
      return UnexpectedReply("FT.SEARCH",
                             absl::StrCat("row ", neighbor->id,
                                          " has no distance, its fields are ",
                                          DescribeReply(fields)));
    }
    neighbor->distance =
        std::isnan(*distance) ? 1 : static_cast<float>(*distance);
    return absl::OkStatus();
  }

  // ": why", as RediSearch tells it.
  static std::string LastFailure(RedisReplyView info) {
    const auto errors = FieldOf(info, "Index Errors");
    if (!errors.has_value()) return "";
    const auto last = FieldOf(*errors, "last indexing error");
    if (!last.has_value()) return "";
    return absl::StrCat(": ", TextOf(*last).value_or("no reason given"));
  }

  const bool valkey_;
  // valkey-search tells of one node otherwise.
  const bool sum_of_nodes_;
  const Metric metric_;
  const bool distances_;
  const std::string name_;
  const std::string prefix_;
  BackendInfo info_;
};

}  // namespace

std::unique_ptr<RedisIndex> NewRedisSearchIndex(const RedisFeatures& features,
                                                std::string name, Metric metric,
                                                bool distances) {
  return std::make_unique<RedisSearchIndex>(features, std::move(name), metric,
                                            distances);
}

}  // namespace opsbench::vector
