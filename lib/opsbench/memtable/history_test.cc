// Threads run a random mix on a few keys, through several rotations, and note
// what they did, when, and what they were told. The history of each key must be
// linearizable, and what is persisted in the end must be what the last
// operations left. Values are unique, so that each answer names the write that
// it saw; keys are few, so that operations overlap.
//
// Built with OPSBENCH_MEMTABLE_SEEDED_BUGS the memtable has bugs that a test
// can switch on; each must be caught.
//
//   history_test --operations=10000000    more than the default

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/random.h"
#include "opsbench/memtable/internal/history_checker.h"
#include "opsbench/memtable/internal/seeded_bugs.h"
#include "opsbench/memtable/memtable.h"
#include "opsbench/memtable/testing_item.h"

namespace opsbench::memtable {
namespace {

using internal::Bug;
using internal::CheckHistory;
using internal::HistoryEntry;
using Kind = HistoryEntry::Kind;

int64_t g_operations = 1'000'000;

struct Round {
  uint64_t seed = 1;
  int threads = 4;
  int64_t keys = 8;
  int64_t operations = 1'500;  // Of each thread.
};

class Player {
 public:
  Player(ItemTable* table, const Round& round, int thread)
      : table_(table),
        round_(round),
        thread_(thread),
        random_(Random::Stream(round.seed, static_cast<uint64_t>(thread))) {}

  void Play() {
    for (int64_t i = 0; i < round_.operations; ++i) {
      const int64_t key = random_.Between(0, round_.keys - 1);
      HistoryEntry entry;
      entry.thread = static_cast<uint8_t>(thread_);
      entry.wrote = static_cast<uint64_t>(i * 64 + thread_ + 1);
      Item row{key, "name", random_.Between(0, 3),
               static_cast<int64_t>(entry.wrote)};
      const uint64_t draw = random_.Below(10);
      entry.call_ns = MonotonicNowNs();
      if (draw < 2) {
        entry.kind = Kind::kUpsert;
        Expect(table_->Upsert(row), &entry);
      } else if (draw < 3) {
        entry.kind = Kind::kDelete;
        Expect(table_->Delete(key), &entry);
      } else if (draw < 5) {
        entry.kind = Kind::kInsert;
        Expect(table_->Insert(row), &entry);
      } else if (draw < 7) {
        entry.kind = Kind::kUpdate;
        Expect(table_->Update(key,
                              [&](const Item& old, Item* fresh) {
                                entry.read = static_cast<uint64_t>(old.value);
                                fresh->value = row.value;
                              }),
               &entry);
      } else {
        entry.kind = Kind::kGet;
        const auto pin = table_->Pin();
        const Item* const found = pin.Get(key);
        entry.read = found == nullptr ? 0 : static_cast<uint64_t>(found->value);
      }
      entry.return_ns = MonotonicNowNs();
      history_[key].push_back(entry);
    }
  }

  const std::map<int64_t, std::vector<HistoryEntry>>& history() const {
    return history_;
  }

 private:
  static void Expect(const absl::Status& status, HistoryEntry* entry) {
    entry->ok = status.ok();
    EXPECT_TRUE(status.ok() ||
                (entry->kind == Kind::kInsert &&
                 status.code() == absl::StatusCode::kAlreadyExists) ||
                (entry->kind == Kind::kUpdate &&
                 status.code() == absl::StatusCode::kNotFound))
        << status;
  }

  ItemTable* const table_;
  const Round round_;
  const int thread_;
  Random random_;
  std::map<int64_t, std::vector<HistoryEntry>> history_;
};

// An empty string, or what is wrong with the round.
std::string Play(const Round& round) {
  MapPersister database;
  // Every table stays in memory until the history is complete: a row that is
  // flushed is not the memtable's any more.
  GatePersister persister(&database);
  MemtableOptions options;
  options.threshold_records =
      std::max<int64_t>(1, round.operations * round.threads / 10);
  options.threshold_bytes = 16 << 20;
  options.flush_timeout_ms = 0;
  options.max_immutables = kMaxImmutables;
  auto table = ItemTable::Open(options, &persister);
  if (!table.ok()) {
    return table.status().ToString();
  }
  std::vector<std::unique_ptr<Player>> players;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < round.threads; ++thread) {
    players.push_back(std::make_unique<Player>(table->get(), round, thread));
    threads.emplace_back([player = players.back().get()] { player->Play(); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  // What is left is the last read of all, by nobody in particular.
  persister.Open();
  const absl::Status closed = (*table)->Close();
  if (!closed.ok()) {
    return closed.ToString();
  }
  const auto rows = database.rows();
  for (int64_t key = 0; key < round.keys; ++key) {
    std::vector<HistoryEntry> history;
    for (const auto& player : players) {
      const auto it = player->history().find(key);
      if (it != player->history().end()) {
        history.insert(history.end(), it->second.begin(), it->second.end());
      }
    }
    HistoryEntry last;
    last.call_ns = MonotonicNowNs();
    last.return_ns = last.call_ns + 1;
    const auto row = rows.find(key);
    last.read =
        row == rows.end() ? 0 : static_cast<uint64_t>(row->second.value);
    history.push_back(last);
    std::string wrong = CheckHistory(std::move(history));
    if (!wrong.empty()) {
      return absl::StrCat("seed ", round.seed, ", key ", key, ": ", wrong);
    }
  }
  return "";
}

TEST(HistoryTest, IsLinearizable) {
  int64_t played = 0;
  for (uint64_t seed = 1; played < g_operations; ++seed) {
    Round round;
    round.seed = seed;
    round.threads = 2 + static_cast<int>(seed % 5);
    round.keys = seed % 3 == 0 ? 1 : 8;
    ASSERT_EQ(Play(round), "");
    played += round.threads * round.operations;
  }
  RecordProperty("operations", std::to_string(played));
}

class SeededBugTest : public ::testing::TestWithParam<Bug> {};

TEST_P(SeededBugTest, IsCaught) {
  internal::SetBug(GetParam());
  std::string wrong;
  int rounds = 0;
  for (uint64_t seed = 1; wrong.empty() && seed <= 2'000; ++seed, ++rounds) {
    Round round;
    round.seed = seed;
    round.keys = seed % 2 == 0 ? 1 : 8;
    wrong = Play(round);
  }
  internal::SetBug(Bug::kNone);
  EXPECT_NE(wrong, "") << "not in " << rounds << " rounds";
  RecordProperty("rounds", rounds);
}

INSTANTIATE_TEST_SUITE_P(All, SeededBugTest,
                         ::testing::ValuesIn(internal::AllBugs()),
                         [](const auto& test) {
                           return std::string(BugName(test.param));
                         });

}  // namespace
}  // namespace opsbench::memtable

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  constexpr std::string_view kFlag = "--operations=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.substr(0, kFlag.size()) != kFlag) {
      fprintf(stderr, "usage: history_test [--operations=N]\n");
      return 2;
    }
    opsbench::memtable::g_operations =
        std::atoll(argument.substr(kFlag.size()).data());
  }
  return RUN_ALL_TESTS();
}
