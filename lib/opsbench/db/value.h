#ifndef OPSBENCH_DB_VALUE_H_
#define OPSBENCH_DB_VALUE_H_

// Values that go into statements and come out of them, and a reusable buffer
// for the rows of a result.
//
// Thread safety: value types; not for sharing while being written.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace opsbench {

// One value. Text and bytes are views: whoever made the Value keeps them alive.
// A timestamp is microseconds since 1970-01-01 00:00:00 UTC. An engine without
// a type of its own for it (SQLite) stores and returns it as a 64-bit integer.
class Value {
 public:
  enum class Type : uint8_t {
    kNull,
    kInt64,
    kDouble,
    kText,
    kBytes,
    kTimestamp
  };

  constexpr Value() = default;
  static constexpr Value Null() { return Value(); }
  static constexpr Value Int64(int64_t v) { return Value(Type::kInt64, v); }
  static constexpr Value Double(double v) {
    Value value;
    value.type_ = Type::kDouble;
    value.double_ = v;
    return value;
  }
  static constexpr Value Text(absl::string_view v) {
    return Value(Type::kText, v);
  }
  static constexpr Value Bytes(absl::string_view v) {
    return Value(Type::kBytes, v);
  }
  static constexpr Value TimestampUs(int64_t v) {
    return Value(Type::kTimestamp, v);
  }

  constexpr Type type() const { return type_; }
  constexpr bool is_null() const { return type_ == Type::kNull; }

  // REQUIRES: the type is kInt64 or kTimestamp.
  constexpr int64_t int64() const { return int64_; }
  // REQUIRES: the type is kDouble.
  constexpr double float64() const { return double_; }
  // REQUIRES: the type is kText or kBytes.
  constexpr absl::string_view text() const { return {text_, size_}; }

  // For people: numbers as digits, timestamps as "2026-01-31 23:59:59.123456",
  // NULL as "NULL", bytes as hexadecimal.
  std::string ToString() const;

  // Same type and same content; a kInt64 equals a kTimestamp of the same
  // number, because engines differ in which of the two they return.
  friend bool operator==(const Value& a, const Value& b);

 private:
  constexpr Value(Type type, int64_t v) : type_(type), int64_(v) {}
  constexpr Value(Type type, absl::string_view v)
      : type_(type), size_(static_cast<uint32_t>(v.size())), text_(v.data()) {}

  Type type_ = Type::kNull;
  uint32_t size_ = 0;
  union {
    int64_t int64_ = 0;
    double double_;
    const char* text_;
  };
};

// Rows of a result, row by row in one buffer that is reused: filling it again
// after Clear() allocates nothing once it has grown. Text lives in the buffer;
// a Value read from it is valid until the next Clear() or Append.
class ResultSet {
 public:
  // Forgets rows and columns, keeps the memory.
  void Clear();

  // For adapters. Columns first, then exactly column_count() Appends a row.
  void AddColumn(absl::string_view name);
  void AppendNull() { cells_.push_back({}); }
  void AppendInt64(int64_t v) { cells_.push_back({Value::Type::kInt64, 0, v}); }
  void AppendTimestampUs(int64_t v) {
    cells_.push_back({Value::Type::kTimestamp, 0, v});
  }
  void AppendDouble(double v);
  void AppendText(absl::string_view v) { AppendView(Value::Type::kText, v); }
  void AppendBytes(absl::string_view v) { AppendView(Value::Type::kBytes, v); }

  size_t column_count() const { return columns_; }
  size_t row_count() const {
    return columns_ == 0 ? 0 : cells_.size() / columns_;
  }
  absl::string_view column_name(size_t column) const { return names_[column]; }

  // REQUIRES: row < row_count(), column < column_count().
  Value at(size_t row, size_t column) const;

 private:
  // Text cells hold their offset in text_ and their size.
  struct Cell {
    Value::Type type = Value::Type::kNull;
    uint32_t size = 0;
    int64_t bits = 0;
  };

  void AppendView(Value::Type type, absl::string_view v);

  size_t columns_ = 0;
  std::vector<std::string> names_;
  std::vector<Cell> cells_;
  std::string text_;
};

}  // namespace opsbench

#endif  // OPSBENCH_DB_VALUE_H_
