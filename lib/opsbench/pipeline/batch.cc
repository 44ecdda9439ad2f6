#include "opsbench/pipeline/batch.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

namespace opsbench::pipeline {
namespace {

constexpr size_t kAlignment = 64;

}  // namespace

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  std::free(data_);
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

Buffer& Buffer::operator=(const Buffer& other) {
  if (this == &other) return *this;
  Clear();
  Append(other.data_, other.size_);
  return *this;
}

Buffer::~Buffer() { std::free(data_); }

void Buffer::Grow(size_t size) {
  const size_t capacity = std::bit_ceil(std::max(size, kAlignment));
  void* data = std::aligned_alloc(kAlignment, capacity);
  if (data == nullptr) throw std::bad_alloc();
  if (size_ > 0) std::memcpy(data, data_, size_);
  std::free(data_);
  data_ = static_cast<uint8_t*>(data);
  capacity_ = capacity;
}

void Buffer::Trim(size_t capacity) {
  if (size_ == 0 && capacity_ > capacity) *this = Buffer();
}

Column::Column(Type type) : type_(type) {
  if (HasOffsets(type_.id)) offsets_.AppendValue<int32_t>(0);
}

void Column::Clear() {
  size_ = 0;
  null_count_ = 0;
  validity_.Clear();
  offsets_.Clear();
  values_.Clear();
  if (HasOffsets(type_.id)) offsets_.AppendValue<int32_t>(0);
}

void Column::AppendValidity(bool valid) {
  if ((size_ & 7) == 0) validity_.AppendValue<uint8_t>(0);
  if (valid) {
    validity_.data()[size_ >> 3] |= static_cast<uint8_t>(1U << (size_ & 7));
  }
}

void Column::AppendNull() {
  if (null_count_ == 0) {
    // The rows so far are all there.
    const size_t size = static_cast<size_t>(size_);
    validity_.Resize((size + 7) / 8);
    if (size > 0) std::memset(validity_.data(), 0xff, validity_.size());
    if (size % 8 != 0) {
      validity_.data()[size / 8] = static_cast<uint8_t>((1U << (size % 8)) - 1);
    }
  }
  AppendValidity(false);
  ++null_count_;
  if (type_.id == TypeId::kBool) {
    if ((size_ & 7) == 0) values_.AppendValue<uint8_t>(0);
  } else if (HasOffsets(type_.id)) {
    offsets_.AppendValue(static_cast<int32_t>(values_.size()));
  } else {
    const size_t old = values_.size();
    const auto width = static_cast<size_t>(FixedWidth(type_.id));
    values_.Resize(old + width);
    std::memset(values_.data() + old, 0, width);
  }
  ++size_;
}

Column Column::FromParts(Type type, int64_t size, int64_t null_count,
                         Buffer validity, Buffer offsets, Buffer values) {
  Column column(type);
  column.size_ = size;
  column.null_count_ = null_count;
  column.validity_ = std::move(validity);
  column.offsets_ = std::move(offsets);
  column.values_ = std::move(values);
  return column;
}

Column::Parts Column::Release() {
  size_ = 0;
  null_count_ = 0;
  return {std::move(validity_), std::move(offsets_), std::move(values_)};
}

Batch::Batch(SchemaPtr schema) : schema_(std::move(schema)) {
  columns_.reserve(schema_->fields.size());
  for (const Field& field : schema_->fields) columns_.emplace_back(field.type);
}

size_t Batch::bytes() const {
  size_t bytes = wire_.size();
  for (const Column& column : columns_) bytes += column.bytes();
  return bytes;
}

void Batch::Clear() {
  rows_ = 0;
  for (Column& column : columns_) column.Clear();
  wire_.Clear();
}

}  // namespace opsbench::pipeline
