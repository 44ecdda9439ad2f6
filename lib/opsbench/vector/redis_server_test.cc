// Redis's engines by their codecs, on the server that OPSBENCH_VECTOR_REDIS_URL
// names, else on the tests' own, if that has vector search.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/redis.h"
#include "opsbench/testing/test_servers.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/internal/redis_rows.h"
#include "opsbench/vector/redis_exchanges.h"
#include "opsbench/vector/wire_backends.h"
#include "opsbench/vector/wire_test_data.h"

namespace opsbench::vector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Code = absl::StatusCode;

// Debian's Redis 7.0 has neither.
TEST(RedisServer, WithoutVectorSearchItIsSaidWhatToStart) {
  const auto url = TestServerUrl(Engine::kRedis);
  ASSERT_TRUE(url.ok()) << url.status();
  const auto engine = OpenWireEngine(*url, Metric::kCosine);
  if (engine.ok()) GTEST_SKIP() << "the tests' own Redis has vector search";
  EXPECT_EQ(engine.status().code(), Code::kFailedPrecondition);
  const std::string text(engine.status().message());
  EXPECT_THAT(text, HasSubstr("has no vector search"));
  EXPECT_THAT(text, HasSubstr("start Redis 8"));
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  ASSERT_FALSE(url->password.empty());
  EXPECT_THAT(text, Not(HasSubstr(url->password)));
}

class RedisServerTest : public ::testing::TestWithParam<RedisIndexKind> {
 protected:
  void SetUp() override {
    const char* const named = std::getenv("OPSBENCH_VECTOR_REDIS_URL");
    auto url = named != nullptr && *named != '\0'
                   ? Url::Parse(named)
                   : TestServerUrl(Engine::kRedis);
    ASSERT_TRUE(url.ok()) << url.status();
    url_ = *std::move(url);
    auto client = RawRedisClient::Connect(url_);
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  void TearDown() override {
    if (index_ == nullptr) return;
    Remove();
  }

  // False when the server does not have this kind of index.
  bool Open(Metric metric, WireOptions options = {}) {
    options.name = WireTestName(static_cast<int>(GetParam()));
    options.redis_kind = GetParam();
    auto engine = OpenWireEngine(url_, metric, options);
    if (engine.status().code() == Code::kFailedPrecondition) return false;
    EXPECT_TRUE(engine.ok()) << engine.status();
    if (!engine.ok()) return false;
    index_ = std::move(engine->redis);
    return true;
  }

  RedisReplyPtr Run(const std::vector<std::string>& command) {
    const std::vector<absl::string_view> words(command.begin(), command.end());
    std::string bytes;
    AppendRespCommand(words, &bytes);
    return Ask(bytes);
  }

  RedisReplyPtr Ask(const std::string& bytes) {
    EXPECT_TRUE(client_->Send(bytes).ok());
    auto reply = client_->Read();
    EXPECT_TRUE(reply.ok()) << reply.status();
    return *std::move(reply);
  }

  void ExpectDone(const redisReply& reply) {
    const RedisReplyView view = reply;
    EXPECT_NE(view.type(), RedisReply::Type::kError) << view.text();
  }

  void Build(const Dataset& data) {
    Remove();
    const auto create = index_->CreateCommand(data, {});
    if (!create.empty()) ExpectDone(*Run(create));
    constexpr size_t kAtOnce = 100;
    std::string bytes;
    for (size_t row = 0; row < data.base().rows;) {
      const size_t end = std::min(row + kAtOnce, data.base().rows);
      const size_t sent = end - row;
      bytes.clear();
      for (; row < end; ++row) index_->AppendInsert(data, row, &bytes);
      ASSERT_TRUE(client_->Send(bytes).ok());
      for (size_t i = 0; i < sent; ++i) {
        const auto reply = client_->Read();
        ASSERT_TRUE(reply.ok()) << reply.status();
        ExpectDone(**reply);
      }
    }
  }

  // The index and its rows, if they are there.
  void Remove() {
    const std::string name = WireTestName(static_cast<int>(GetParam()));
    (void)Run({"UNLINK", name});
    (void)Run({"FT.DROPINDEX", name});
    EXPECT_TRUE(internal::RemoveRows(url_, name, 2'000).ok());
  }

  int64_t Count() {
    const auto count = index_->ParseCount(*Run(index_->CountCommand()));
    if (count.status().code() == Code::kNotFound) return 0;
    EXPECT_TRUE(count.ok()) << count.status();
    return count.value_or(-1);
  }

  std::string NoSuchIndex() const {
    return absl::StrCat(url_.Redacted(),
                        " has no such index: name a server that has it in "
                        "OPSBENCH_VECTOR_REDIS_URL");
  }

  void WaitForRows(int64_t rows) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    int64_t count = 0;
    while ((count = Count()) >= 0 && count < rows && absl::Now() < deadline) {
    }
    ASSERT_EQ(count, rows);
  }

  double RecallOf(const Dataset& data, const Filter& filter, int ef,
                  bool distances = true) {
    Recall recall;
    for (size_t q = 0; q < data.queries().rows; ++q) {
      SearchRequest request;
      request.query = data.queries().row(q);
      request.ef = ef;
      request.filter = filter;
      std::string bytes;
      index_->AppendSearch(request, &bytes);
      std::vector<Neighbor> found;
      const absl::Status status = index_->ParseSearch(*Ask(bytes), &found);
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_LE(found.size(), 10U);
      for (const Neighbor& neighbor : found) {
        if (!distances) break;
        const float right = ExactDistance(
            data.metric(),
            data.base().row(static_cast<size_t>(neighbor.id)).data(),
            data.queries().row(q).data(), data.dimension());
        EXPECT_NEAR(neighbor.distance, right, 1e-4 * (1 + std::abs(right)));
      }
      AddRecall(data, q, RightNeighbors(data, q, 10, filter), found, 10,
                &recall, filter.any() ? &filter : nullptr);
    }
    return recall.average();
  }

  Url url_;
  std::unique_ptr<RawRedisClient> client_;
  std::unique_ptr<RedisIndex> index_;
};

TEST_P(RedisServerTest, FindsWhatIsNear) {
  int tried = 0;
  for (const Metric metric :
       {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
    if (GetParam() == RedisIndexKind::kVectorSet && metric != Metric::kCosine) {
      continue;
    }
    if (!Open(metric)) break;
    ++tried;
    const auto data = WireData(metric);
    Build(*data);
    WaitForRows(2'000);
    for (const Filter& filter : WireFilters()) {
      EXPECT_GE(RecallOf(*data, filter, 400), 0.97)
          << MetricName(metric) << (filter.by_tag ? " by tag" : "");
    }
    const double least = RecallOf(*data, Filter(), 10);
    EXPECT_GE(RecallOf(*data, Filter(), 400), least);
    WireOptions ids_alone;
    ids_alone.distances = false;
    ASSERT_TRUE(Open(metric, ids_alone));
    EXPECT_GE(RecallOf(*data, Filter(), 400, false), 0.97);
    Remove();
    EXPECT_EQ(Count(), 0);
    const std::string name = WireTestName(static_cast<int>(GetParam()));
    const RedisReplyPtr left = Run({"EXISTS", name, name + ":7"});
    EXPECT_EQ(RedisReplyView(*left).integer(), 0);
  }
  if (tried == 0) GTEST_SKIP() << NoSuchIndex();
}

TEST_P(RedisServerTest, AQueryOfZerosIsAnswered) {
  if (!Open(Metric::kCosine)) {
    GTEST_SKIP() << NoSuchIndex();
  }
  const auto data = WireData(Metric::kCosine, 100);
  Build(*data);
  WaitForRows(100);
  const std::vector<float> zeros(data->dimension());
  SearchRequest request;
  request.query = zeros;
  std::string bytes;
  index_->AppendSearch(request, &bytes);
  std::vector<Neighbor> found;
  const absl::Status status = index_->ParseSearch(*Ask(bytes), &found);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(found.size(), 10U);
  for (const Neighbor& neighbor : found) EXPECT_EQ(neighbor.distance, 1);
}

INSTANTIATE_TEST_SUITE_P(Kinds, RedisServerTest,
                         ::testing::Values(RedisIndexKind::kSearch,
                                           RedisIndexKind::kVectorSet),
                         [](const auto& kind) {
                           return kind.param == RedisIndexKind::kSearch
                                      ? "Search"
                                      : "VectorSet";
                         });

}  // namespace
}  // namespace opsbench::vector
