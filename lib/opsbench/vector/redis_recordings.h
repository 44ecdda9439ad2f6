#ifndef OPSBENCH_VECTOR_REDIS_RECORDINGS_H_
#define OPSBENCH_VECTOR_REDIS_RECORDINGS_H_

// The servers that fixtures/vector/replies has recordings of, for tests.
//
// Thread safety: pure functions.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "opsbench/vector/redis_exchanges.h"
#include "opsbench/vector/wire_backends.h"

namespace opsbench::vector {

inline constexpr char kRecordings[] = "fixtures/vector/replies";

inline std::vector<Exchange> Recorded(const std::string& name) {
  auto exchanges = ReadExchanges(absl::StrCat(kRecordings, "/", name, ".resp"));
  EXPECT_TRUE(exchanges.ok()) << exchanges.status();
  return exchanges.ok() ? *std::move(exchanges) : std::vector<Exchange>();
}

// A server that was recorded, and what it is known to be.
struct Server {
  std::string file;
  RedisFeatures features;
  std::vector<std::string> indexes;  // Each in a file with every metric it has.
};

inline std::vector<Server> Servers() {
  const auto make = [](std::string file, std::string server, std::string search,
                       bool vector_sets, std::vector<std::string> indexes) {
    Server made{std::move(file), {}, std::move(indexes)};
    made.features.server = std::move(server);
    made.features.valkey = absl::StartsWith(made.features.server, "Valkey");
    made.features.search = !search.empty();
    made.features.search_version = std::move(search);
    made.features.vector_sets = vector_sets;
    return made;
  };
  return {
      make("Redis-7.0.15", "Redis 7.0.15", "", false, {}),
      make("Redis-7.4.1-search-2.10.5", "Redis 7.4.1", "2.10.5", false,
           {"redis_search"}),
      make("Redis-8.2.3", "Redis 8.2.3", "", true, {"redis_vector_set"}),
      make("Redis-8.2.3-search-2.10.5", "Redis 8.2.3", "2.10.5", true,
           {"redis_search", "redis_vector_set"}),
      make("Valkey-9.1.2", "Valkey 9.1.2", "", false, {}),
      make("Valkey-9.1.2-search-1.2.1", "Valkey 9.1.2", "1.2.1", false,
           {"valkey_search"}),
  };
}

inline WireOptions RecordedOptions(absl::string_view index) {
  WireOptions options;
  options.name = "recorded";
  options.redis_kind = index == "redis_vector_set" ? RedisIndexKind::kVectorSet
                                                   : RedisIndexKind::kSearch;
  return options;
}

inline std::unique_ptr<RedisIndex> MakeIndex(const Server& server,
                                             const std::string& name,
                                             Metric metric,
                                             bool distances = true) {
  WireOptions options = RecordedOptions(name);
  options.distances = distances;
  auto index = ChooseRedisIndex(server.features, metric, options);
  EXPECT_TRUE(index.ok()) << index.status();
  EXPECT_EQ((*index)->info().name, name);
  return *std::move(index);
}

inline std::vector<Metric> MetricsOf(const std::string& index) {
  if (index == "redis_vector_set") return {Metric::kCosine};
  return {Metric::kL2, Metric::kInnerProduct, Metric::kCosine};
}

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_REDIS_RECORDINGS_H_
