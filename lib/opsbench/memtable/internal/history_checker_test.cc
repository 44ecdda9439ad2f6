#include "opsbench/memtable/internal/history_checker.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::memtable::internal {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = HistoryEntry::Kind;

struct Span {
  int64_t call_ns;
  int64_t return_ns;
};

HistoryEntry Upsert(uint64_t wrote, Span span) {
  return {Kind::kUpsert, true, 0, 0, wrote, span.call_ns, span.return_ns};
}
HistoryEntry Delete(Span span) {
  return {Kind::kDelete, true, 1, 0, 0, span.call_ns, span.return_ns};
}
HistoryEntry Insert(bool ok, uint64_t wrote, Span span) {
  return {Kind::kInsert, ok, 2, 0, wrote, span.call_ns, span.return_ns};
}
HistoryEntry Update(uint64_t read, uint64_t wrote, Span span) {
  return {Kind::kUpdate, read != 0,     3, read, wrote,
          span.call_ns,  span.return_ns};
}
HistoryEntry Get(uint64_t read, Span span) {
  return {Kind::kGet, true, 4, read, 0, span.call_ns, span.return_ns};
}

TEST(HistoryCheckerTest, OneAfterTheOther) {
  EXPECT_THAT(
      CheckHistory({Get(0, {1, 2}), Insert(true, 7, {3, 4}),
                    Insert(false, 8, {5, 6}), Get(7, {7, 8}),
                    Update(7, 9, {9, 10}), Get(9, {11, 12}), Delete({13, 14}),
                    Update(0, 5, {15, 16}), Get(0, {17, 18}),
                    Upsert(3, {19, 20}), Get(3, {21, 22})}),
      IsEmpty());
}

TEST(HistoryCheckerTest, WhatOverlapsMayTakeEitherOrder) {
  for (const uint64_t seen : {1, 2}) {
    EXPECT_THAT(CheckHistory({Upsert(1, {1, 10}), Upsert(2, {2, 9}),
                              Get(seen, {11, 12})}),
                IsEmpty());
  }
  // The second reader sees the older value: both were under way.
  EXPECT_THAT(
      CheckHistory({Upsert(1, {1, 20}), Get(1, {2, 3}), Get(0, {2, 4})}),
      IsEmpty());
}

TEST(HistoryCheckerTest, RefusesWhatCannotBe) {
  // A stale read.
  EXPECT_THAT(CheckHistory({Upsert(1, {1, 2}), Get(0, {3, 4})}),
              HasSubstr("no order explains"));
  // New, then old.
  EXPECT_THAT(
      CheckHistory({Upsert(1, {1, 20}), Get(1, {2, 3}), Get(0, {4, 5})}),
      HasSubstr("get"));
  // Two inserts of one key.
  EXPECT_THAT(CheckHistory({Insert(true, 1, {1, 10}), Insert(true, 2, {2, 9})}),
              HasSubstr("insert"));
  // A lost update.
  EXPECT_THAT(CheckHistory({Update(5, 6, {1, 10}), Update(5, 7, {2, 9})}, 5),
              HasSubstr("update"));
  // A value that nobody wrote.
  EXPECT_THAT(CheckHistory({Upsert(1, {1, 2}), Get(3, {3, 4})}),
              HasSubstr("possible before: 1"));
  // Deleted, and back.
  EXPECT_THAT(CheckHistory({Delete({1, 2}), Get(5, {3, 4})}, 5),
              HasSubstr("get"));
}

TEST(HistoryCheckerTest, AnOperationReturnsAtTheTimeOfTheNextCall) {
  std::vector<HistoryEntry> history;
  for (int64_t i = 1; i < 200; ++i) {
    history.push_back(Upsert(static_cast<uint64_t>(i), {i, i + 1}));
  }
  history.push_back(Get(199, {201, 202}));
  EXPECT_THAT(CheckHistory(history), IsEmpty());
}

}  // namespace
}  // namespace opsbench::memtable::internal
