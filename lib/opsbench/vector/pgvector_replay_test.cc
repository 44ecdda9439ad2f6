// The backend of pgvector against what a server with pgvector answered, on
// machines that have none.

#include <atomic>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/vector/pgvector_backend.h"
#include "opsbench/vector/postgres_exchanges.h"

namespace opsbench::vector {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

PostgresRecording Recorded(Metric metric) {
  auto recording = ReadPostgresRecording(
      absl::StrCat("fixtures/vector/replies/PostgreSQL-16.14-0.8.5.pgvector.",
                   MetricName(metric), ".pg"));
  EXPECT_TRUE(recording.ok()) << recording.status();
  return recording.ok() ? *std::move(recording) : PostgresRecording();
}

// Answers as recorded as long as it is asked what was recorded. The start-up,
// which tells user and database, is not looked at.
class Replay {
 public:
  explicit Replay(PostgresRecording recording)
      : recording_(std::move(recording)),
        next_(recording_.size()),
        server_([this](size_t connection, const std::string& request) {
          return Answer(connection, request);
        }) {}

  const Url& url() const { return server_.url(); }
  int64_t answered() const { return answered_; }

 private:
  // Each connection has a thread of its own, and its own `next_`.
  std::string Answer(size_t connection, const std::string& request) {
    if (connection >= recording_.size()) return "";
    const size_t i = next_[connection]++;
    if (i >= recording_[connection].size()) return "";
    const PostgresExchange& exchange = recording_[connection][i];
    if (i > 0 && request != exchange.request) return "";
    ++answered_;
    return exchange.reply;
  }

  const PostgresRecording recording_;
  std::vector<size_t> next_;
  std::atomic<int64_t> answered_{0};
  PostgresStandIn server_;
};

TEST(PgvectorReplay, SpeaksAsRecorded) {
  for (const Metric metric :
       {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
    const PostgresRecording recording = Recorded(metric);
    int64_t exchanges = 0;
    for (const auto& connection : recording) {
      exchanges += static_cast<int64_t>(connection.size());
    }
    ASSERT_GT(exchanges, 30);
    Replay replay(recording);
    const absl::Status status = RunPgvectorScript(replay.url(), metric);
    EXPECT_TRUE(status.ok()) << MetricName(metric) << ": " << status;
    EXPECT_EQ(replay.answered(), exchanges);
  }
}

TEST(PgvectorReplay, ATableThatOpsbenchDidNotMakeIsRefused) {
  auto recording = ReadPostgresRecording(
      "fixtures/vector/replies/PostgreSQL-16.14-0.8.5.pgvector.foreign.pg");
  ASSERT_TRUE(recording.ok()) << recording.status();
  for (const auto& connection : *recording) {
    for (const PostgresExchange& exchange : connection) {
      EXPECT_FALSE(absl::StrContains(exchange.request, "DROP "));
    }
  }
  Replay replay(*std::move(recording));
  const absl::Status status = RunPgvectorForeignScript(replay.url());
  EXPECT_TRUE(status.ok()) << status;
}

// Wherever the server hangs up, an error says so, and nothing waits for ever.
TEST(PgvectorReplay, AServerThatHangsUpIsAnErrorWhereverItDoes) {
  const PostgresRecording recording = Recorded(Metric::kL2);
  for (size_t connection = 0; connection < recording.size(); ++connection) {
    for (size_t kept = 0; kept < recording[connection].size(); ++kept) {
      PostgresRecording cut = recording;
      cut[connection].resize(kept);
      Replay replay(std::move(cut));
      const absl::Status status = RunPgvectorScript(replay.url(), Metric::kL2);
      // What is left undone at the end of a session is nobody's loss.
      const bool last_words =
          absl::StrContains(recording[connection][kept].request, "DEALLOCATE");
      if (last_words) continue;
      EXPECT_EQ(status.code(), Code::kUnavailable)
          << connection << " " << kept << " " << status;
    }
  }
}

TEST(PgvectorReplay, AVersionWithoutHnswIsRefused) {
  PostgresRecording recording = Recorded(Metric::kL2);
  ASSERT_FALSE(recording.empty());
  int replaced = 0;
  for (PostgresExchange& exchange : recording[0]) {
    if (!absl::StrContains(exchange.request, "extversion")) continue;
    const size_t at = exchange.reply.find("0.8.5");
    ASSERT_NE(at, std::string::npos);
    exchange.reply.replace(at, 5, "0.4.4");
    ++replaced;
  }
  ASSERT_EQ(replaced, 1);
  Replay replay(std::move(recording));
  const absl::Status status = PgvectorBackend::Open(replay.url()).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("pgvector 0.4.4, which has no HNSW: install 0.5"));
}

}  // namespace
}  // namespace opsbench::vector
