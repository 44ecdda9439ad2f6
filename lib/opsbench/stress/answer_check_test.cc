#include "opsbench/stress/answer_check.h"

#include <algorithm>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::stress {
namespace {

using Row = std::vector<Value>;

constexpr int64_t kEnded = 60;

// The answers that an engine gives to reads of user 0, reckoned row by row. A
// test changes them and expects the change to be found.
class AnswerCheckTest : public ::testing::Test {
 protected:
  AnswerCheckTest()
      : plan_(Plan::Make({.databases = 1,
                          .inserter_users = 1,
                          .query_users = 0,
                          .mixed_users = 0,
                          .batch_min = 3,
                          .batch_max = 9})),
        schema_(plan_.databases[0]),
        check_(plan_) {
    for (size_t table = 0; table < schema_.tables.size(); ++table) {
      for (int64_t index = 0; index < kEnded; ++index) {
        const Operation operation = plan_.At(plan_.users[0], index);
        if (IsWrite(operation.kind) && operation.table == table) {
          written_[table] += operation.rows;
        }
      }
      if (written_[table] > written_[busiest_]) busiest_ = table;
    }
  }

  Operation Read(OperationKind kind, int64_t rows) const {
    return {.kind = kind,
            .table = static_cast<uint8_t>(busiest_),
            .second_table = 0,
            .rows = rows,
            .target = 0,
            .from_index = 4};
  }

  Expectation ExpectationOf(const Operation& operation, bool at_rest = true) {
    Expectation expected;
    Expect(plan_, plan_.users[0], operation.table, operation.from_index,
           operation.rows, {.ended = kEnded, .at_rest = at_rest}, &expected);
    return expected;
  }

  std::vector<int64_t> Ids(const Operation& operation) {
    std::vector<int64_t> ids;
    for (const IdRange& range : ExpectationOf(operation).ranges) {
      for (int64_t i = 0; i < range.rows; ++i) {
        ids.push_back(range.first_id + i);
      }
    }
    return ids;
  }

  const Table& table() const { return schema_.tables[busiest_]; }

  std::vector<Row> Select(const Operation& operation) {
    std::vector<Row> rows;
    for (const int64_t id : Ids(operation)) {
      std::string& text = texts_.emplace_back();
      text.reserve(RowMaker::MaxTextBytes(table().size));
      Row row;
      RowMaker::Append(table(), id, &text, &row);
      row.resize(3);
      rows.push_back(row);
    }
    return rows;
  }

  absl::Status Check(const Operation& operation, const Expectation& expected,
                     const std::vector<Row>& rows) {
    ResultSet set;
    const size_t columns = rows.empty() ? 1 : rows[0].size();
    for (size_t i = 0; i < columns; ++i) set.AddColumn("c");
    for (const Row& row : rows) {
      for (const Value& value : row) {
        switch (value.type()) {
          case Value::Type::kInt64:
            set.AppendInt64(value.int64());
            break;
          case Value::Type::kDouble:
            set.AppendDouble(value.float64());
            break;
          case Value::Type::kText:
            set.AppendText(value.text());
            break;
          default:
            set.AppendNull();
        }
      }
    }
    return check_.Check(schema_, operation, expected, set);
  }

  // The right answer passes; with any single value changed, with a row left
  // out, doubled or added, it does not.
  void ExpectEveryChangeIsFound(const Operation& operation,
                                const std::vector<Row>& rows) {
    const Expectation expected = ExpectationOf(operation);
    ASSERT_TRUE(expected.complete);
    ASSERT_FALSE(rows.empty());
    const absl::Status right = Check(operation, expected, rows);
    ASSERT_TRUE(right.ok()) << right;
    for (size_t i = 0; i < rows.size(); ++i) {
      for (size_t c = 0; c < rows[i].size(); ++c) {
        std::vector<Row> changed = rows;
        Value& value = changed[i][c];
        value = value.type() == Value::Type::kInt64
                    ? Value::Int64(value.int64() + 1)
                : value.type() == Value::Type::kDouble
                    ? Value::Double(value.float64() + 0.25)
                    : Value::Text("other");
        EXPECT_EQ(Check(operation, expected, changed).code(),
                  absl::StatusCode::kDataLoss)
            << "row " << i << ", column " << c;
      }
      std::vector<Row> fewer = rows;
      fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i));
      EXPECT_FALSE(Check(operation, expected, fewer).ok()) << i;
      std::vector<Row> more = rows;
      more.push_back(rows[i]);
      EXPECT_FALSE(Check(operation, expected, more).ok()) << i;
    }
  }

  const Plan plan_;
  const DatabaseSchema& schema_;
  std::map<size_t, int64_t> written_;
  size_t busiest_ = 0;
  std::list<std::string> texts_;
  AnswerCheck check_;
};

TEST_F(AnswerCheckTest, Select) {
  const Operation operation = Read(OperationKind::kSimpleSelect, 20);
  ExpectEveryChangeIsFound(operation, Select(operation));
}

TEST_F(AnswerCheckTest, SelectOfAllThereIs) {
  const Operation operation = Read(OperationKind::kSimpleSelect, 1'000);
  ExpectEveryChangeIsFound(operation, Select(operation));
}

TEST_F(AnswerCheckTest, RowsBeyondWhatIsKnownMustHaveBeenWritten) {
  Operation operation = Read(OperationKind::kSimpleSelect, 1'000);
  const std::vector<Row> rows = Select(operation);
  // As somebody who has seen only some of the operations end.
  Expectation expected;
  Expect(plan_, plan_.users[0], operation.table, operation.from_index, 1'000,
         {.ended = 20}, &expected);
  ASSERT_LT(expected.rows, static_cast<int64_t>(rows.size()));
  ASSERT_GT(expected.rows, 0);
  EXPECT_TRUE(Check(operation, expected, rows).ok());
  std::vector<Row> fewer = rows;
  fewer.pop_back();
  EXPECT_TRUE(Check(operation, expected, fewer).ok());
  fewer.resize(static_cast<size_t>(expected.rows) - 1);
  EXPECT_FALSE(Check(operation, expected, fewer).ok());
  // A row that no operation writes.
  std::vector<Row> strange = rows;
  strange.back()[0] = Value::Int64(FirstId(0, kEnded + 1) + kMaxBatchRows);
  EXPECT_FALSE(Check(operation, expected, strange).ok());
  // One of another user.
  strange.back()[0] = Value::Int64(FirstId(1, 0));
  EXPECT_FALSE(Check(operation, expected, strange).ok());
}

TEST_F(AnswerCheckTest, Aggregates) {
  Operation operation = Read(OperationKind::kAggregate, 30);
  int64_t sum = 0;
  int64_t low = INT64_MAX;
  int64_t high = 0;
  const std::vector<int64_t> ids = Ids(operation);
  std::map<int64_t, std::pair<int64_t, int64_t>> groups;
  for (const int64_t id : ids) {
    const int64_t value = ValueQuarters(table(), id);
    sum += value;
    low = std::min(low, value);
    high = std::max(high, value);
    ++groups[id % 10].first;
    groups[id % 10].second += value;
  }
  const Value count = Value::Int64(static_cast<int64_t>(ids.size()));
  const auto quarters = [](int64_t value) {
    return Value::Double(static_cast<double>(value) / 4);
  };
  operation.aggregate = Aggregate::kCount;
  ExpectEveryChangeIsFound(operation, {{count}});
  operation.aggregate = Aggregate::kSum;
  ExpectEveryChangeIsFound(operation,
                           {{count, quarters(sum),
                             Value::Double(static_cast<double>(sum) / 4 /
                                           static_cast<double>(ids.size()))}});
  operation.aggregate = Aggregate::kMinMax;
  ExpectEveryChangeIsFound(operation, {{count, quarters(low), quarters(high)}});
  operation.aggregate = Aggregate::kGroups;
  std::vector<Row> rows;
  for (const auto& [key, group] : groups) {
    rows.push_back(
        {Value::Int64(key), Value::Int64(group.first), quarters(group.second)});
  }
  ExpectEveryChangeIsFound(operation, rows);
}

TEST_F(AnswerCheckTest, AggregatesOfNothing) {
  Operation operation = Read(OperationKind::kAggregate, 30);
  operation.from_index = kEnded;
  const Expectation expected = ExpectationOf(operation);
  ASSERT_TRUE(expected.complete);
  operation.aggregate = Aggregate::kSum;
  EXPECT_TRUE(Check(operation, expected,
                    {{Value::Int64(0), Value::Null(), Value::Null()}})
                  .ok());
  EXPECT_FALSE(Check(operation, expected,
                     {{Value::Int64(1), Value::Double(2), Value::Double(2)}})
                   .ok());
  operation.aggregate = Aggregate::kGroups;
  EXPECT_TRUE(Check(operation, expected, {}).ok());
}

TEST_F(AnswerCheckTest, Joins) {
  Operation operation = Read(OperationKind::kComplexJoin, 25);
  const Table& second = schema_.tables[0];
  const Table& third =
      schema_.tables[ThirdTable(operation, schema_.tables.size())];
  std::vector<Row> rows;
  for (const int64_t id : Ids(operation)) {
    rows.push_back({Value::Int64(id), Value::Double(ValueOf(table(), id)),
                    Value::Double(ValueOf(second, id % kSeedRows))});
  }
  operation.complexity = 1;
  ExpectEveryChangeIsFound(operation, rows);
  for (Row& row : rows) {
    row.push_back(Value::Double(ValueOf(third, row[0].int64() % kSeedRows)));
  }
  operation.complexity = 2;
  ExpectEveryChangeIsFound(operation, rows);

  std::map<int64_t, std::pair<int64_t, int64_t>> groups;
  for (const int64_t id : Ids(operation)) {
    ++groups[id % kSeedRows].first;
    groups[id % kSeedRows].second += ValueQuarters(table(), id);
  }
  rows.clear();
  for (const auto& [key, group] : groups) {
    rows.push_back({Value::Int64(key), Value::Int64(group.first),
                    Value::Double(static_cast<double>(group.second) / 4),
                    Value::Double(ValueOf(second, key))});
  }
  operation.complexity = 3;
  ExpectEveryChangeIsFound(operation, rows);
}

}  // namespace
}  // namespace opsbench::stress
