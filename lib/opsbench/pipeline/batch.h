#ifndef OPSBENCH_PIPELINE_BATCH_H_
#define OPSBENCH_PIPELINE_BATCH_H_

// Rows in Arrow's columnar layout: a column has its values one after the other,
// a bitmap of which are there, and offsets where values differ in length.
// https://arrow.apache.org/docs/format/Columnar.html
//
// A batch is filled row by row, read column by column, and cleared for use
// again, which keeps its memory. Appending checks nothing but with DCHECKs: the
// bounds are the sources' (a batch holds less than 2 GiB of text a column).
//
// Thread safety: for one thread at a time.

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/base/optimization.h"
#include "absl/numeric/int128.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline {

// Bytes that grow without being filled with zeros first, at an address that is
// a multiple of 64, as Arrow recommends.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer& other) { Append(other.data_, other.size_); }
  Buffer& operator=(const Buffer& other);
  ~Buffer();

  const uint8_t* data() const { return data_; }
  uint8_t* data() { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }

  void Clear() { size_ = 0; }
  // New bytes are not initialised.
  void Resize(size_t size) {
    if (ABSL_PREDICT_FALSE(size > capacity_)) Grow(size);
    size_ = size;
  }
  void Append(const void* bytes, size_t size) {
    if (size == 0) return;
    const size_t old = size_;
    Resize(size_ + size);
    std::memcpy(data_ + old, bytes, size);
  }
  template <typename T>
  void AppendValue(T value) {
    const size_t old = size_;
    Resize(size_ + sizeof(T));
    std::memcpy(data_ + old, &value, sizeof(T));
  }
  // Frees what is above `capacity` when the buffer is empty.
  void Trim(size_t capacity);

 private:
  void Grow(size_t size);

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

class Column {
 public:
  explicit Column(Type type);

  const Type& type() const { return type_; }
  int64_t size() const { return size_; }
  int64_t null_count() const { return null_count_; }

  bool IsNull(int64_t row) const {
    return null_count_ > 0 &&
           ((validity_.data()[row >> 3] >> (row & 7)) & 1) == 0;
  }
  bool Bool(int64_t row) const {
    return ((values_.data()[row >> 3] >> (row & 7)) & 1) != 0;
  }
  // REQUIRES: sizeof(T) is the type's FixedWidth(); absl::int128 of a decimal.
  template <typename T>
  T Fixed(int64_t row) const {
    T value;
    std::memcpy(&value, values_.data() + row * static_cast<int64_t>(sizeof(T)),
                sizeof(T));
    return value;
  }
  // REQUIRES: HasOffsets() of the type, or kUuid. Valid until the column
  // changes.
  absl::string_view Text(int64_t row) const {
    const char* values = reinterpret_cast<const char*>(values_.data());
    if (type_.id == TypeId::kUuid) return {values + 16 * row, 16};
    const int32_t* offsets = reinterpret_cast<const int32_t*>(offsets_.data());
    return {values + offsets[row],
            static_cast<size_t>(offsets[row + 1] - offsets[row])};
  }

  void AppendNull();
  void AppendBool(bool value) {
    if ((size_ & 7) == 0) values_.AppendValue<uint8_t>(0);
    values_.data()[size_ >> 3] |=
        static_cast<uint8_t>(value ? 1U << (size_ & 7) : 0);
    AppendValid();
  }
  // REQUIRES: as Fixed().
  template <typename T>
  void AppendFixed(T value) {
    values_.AppendValue(value);
    AppendValid();
  }
  // REQUIRES: as Text().
  void AppendText(absl::string_view value) {
    values_.Append(value.data(), value.size());
    if (type_.id != TypeId::kUuid) {
      offsets_.AppendValue(static_cast<int32_t>(values_.size()));
    }
    AppendValid();
  }

  // A value of `size` bytes that the caller fills before anything else is done
  // with the column. REQUIRES: as AppendText().
  uint8_t* AppendSpace(size_t size) {
    const size_t old = values_.size();
    values_.Resize(old + size);
    if (type_.id != TypeId::kUuid) {
      offsets_.AppendValue(static_cast<int32_t>(values_.size()));
    }
    AppendValid();
    return values_.data() + old;
  }

  // Forgets the values, keeps the memory.
  void Clear();

  // The three parts of Arrow's layout. The bitmap is empty when no value is
  // null; there are size() + 1 offsets, the first 0, where the type has them.
  const Buffer& validity() const { return validity_; }
  const Buffer& offsets() const { return offsets_; }
  const Buffer& values() const { return values_; }
  // Of all three.
  size_t bytes() const {
    return validity_.size() + offsets_.size() + values_.size();
  }

  // A column of ready parts, as an Arrow reader has them; sizes are the
  // caller's to check.
  static Column FromParts(Type type, int64_t size, int64_t null_count,
                          Buffer validity, Buffer offsets, Buffer values);

  // Gives the parts away with their memory, to be filled anew for FromParts().
  // The column is only for assigning to afterwards.
  struct Parts {
    Buffer validity;
    Buffer offsets;
    Buffer values;
  };
  Parts Release();

 private:
  void AppendValid() {
    if (ABSL_PREDICT_FALSE(null_count_ > 0)) AppendValidity(true);
    ++size_;
  }
  void AppendValidity(bool valid);

  Type type_;
  int64_t size_ = 0;
  int64_t null_count_ = 0;
  Buffer validity_;
  Buffer offsets_;
  Buffer values_;
};

// Rows of one schema. Instead of columns it may hold the rows in a wire format
// that both ends speak, so that nothing has to be decoded.
class Batch {
 public:
  Batch() = default;
  explicit Batch(SchemaPtr schema);

  const SchemaPtr& schema() const { return schema_; }
  int64_t rows() const { return rows_; }
  std::vector<Column>& columns() { return columns_; }
  const std::vector<Column>& columns() const { return columns_; }

  // After each column got its values.
  void SetRows(int64_t rows) { rows_ = rows; }

  // The name of the wire format, or empty when the columns hold the rows.
  const std::string& wire_format() const { return wire_format_; }
  void set_wire_format(std::string format) { wire_format_ = std::move(format); }
  Buffer& wire() { return wire_; }
  const Buffer& wire() const { return wire_; }

  // What the rows take: of the columns, or of the wire format.
  size_t bytes() const;

  // Forgets rows, keeps schema and memory.
  void Clear();

 private:
  SchemaPtr schema_;
  std::vector<Column> columns_;
  int64_t rows_ = 0;
  std::string wire_format_;
  Buffer wire_;
};

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_BATCH_H_
