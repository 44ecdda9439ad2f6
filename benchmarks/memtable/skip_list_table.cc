#include "memtable/skip_list_table.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "opsbench/base/status_macros.h"
#include "rocksdb/memtablerep.h"

namespace rocksdb {

// RocksDB 7.8's interface of what its memtables allocate from, which its
// packages do not ship. The order of the functions is that of its vtable.
class Allocator {
 public:
  virtual ~Allocator() = default;
  virtual char* Allocate(size_t bytes) = 0;
  virtual char* AllocateAligned(size_t bytes, size_t huge_page_size = 0,
                                Logger* logger = nullptr) = 0;
  virtual size_t BlockSize() const = 0;
};

}  // namespace rocksdb

namespace opsbench::memtable_bench {
namespace {

// What the list orders: ids up, of one id the newest version first.
struct Position {
  int64_t id;
  uint64_t sequence;
};

// A version of a row, the bytes of its name after it.
struct Version {
  Position position;
  int64_t category;
  int64_t value;
  uint32_t name_bytes;
  bool removed;
};

Position PositionAt(const char* key) {
  Position position;
  std::memcpy(&position, key, sizeof(position));
  return position;
}

class NewestFirst : public rocksdb::MemTableRep::KeyComparator {
 public:
  rocksdb::Slice decode_key(const char* key) const override {
    return {key, sizeof(Position)};
  }
  int operator()(const char* a, const char* b) const override {
    const Position left = PositionAt(a);
    const Position right = PositionAt(b);
    if (left.id != right.id) return left.id < right.id ? -1 : 1;
    if (left.sequence == right.sequence) return 0;
    return left.sequence > right.sequence ? -1 : 1;
  }
  int operator()(const char* a, const rocksdb::Slice& b) const override {
    return (*this)(a, b.data());
  }
};

// Blocks, of which each thread takes chunks; freed all at once. RocksDB's own
// arena does likewise.
class ChunkAllocator : public rocksdb::Allocator {
 public:
  explicit ChunkAllocator(size_t bytes)
      : id_(next_id_.fetch_add(1)), block_(new char[bytes]), bytes_(bytes) {}

  char* Allocate(size_t bytes) override {
    return AllocateAligned(bytes, 0, nullptr);
  }

  char* AllocateAligned(size_t bytes, size_t, rocksdb::Logger*) override {
    bytes = (bytes + 7) / 8 * 8;
    thread_local Chunk chunk;
    if (chunk.owner != id_ || chunk.left < bytes) {
      const size_t wanted = std::max(bytes, kChunkBytes);
      const size_t begin = used_.fetch_add(wanted, std::memory_order_relaxed);
      if (begin + wanted > bytes_) std::abort();  // The reserve was too small.
      chunk = {id_, block_.get() + begin, wanted};
    }
    char* result = chunk.next;
    chunk.next += bytes;
    chunk.left -= bytes;
    return result;
  }

  size_t BlockSize() const override { return kChunkBytes; }

 private:
  static constexpr size_t kChunkBytes = 16 << 10;
  struct Chunk {
    uint64_t owner = 0;
    char* next = nullptr;
    size_t left = 0;
  };

  static inline std::atomic<uint64_t> next_id_{1};
  const uint64_t id_;
  const std::unique_ptr<char[]> block_;
  const size_t bytes_;
  std::atomic<size_t> used_{0};
};

}  // namespace

class SkipListTable::Cursor {
 public:
  explicit Cursor(rocksdb::MemTableRep::Iterator* iterator)
      : iterator_(iterator) {}

  // The newest version of the id, or nullptr.
  const char* Seek(int64_t id) {
    const Position newest = {id, ~uint64_t{0}};
    iterator_->Seek(rocksdb::Slice(), reinterpret_cast<const char*>(&newest));
    if (!iterator_->Valid()) return nullptr;
    const char* key = iterator_->key();
    return PositionAt(key).id == id ? key : nullptr;
  }

 private:
  const std::unique_ptr<rocksdb::MemTableRep::Iterator> iterator_;
};

void SkipListTable::CursorDeleter::operator()(Cursor* cursor) const {
  delete cursor;
}

struct SkipListTable::List {
  // A version with its name and 1.33 links on average; 16 threads' chunks.
  explicit List(int64_t records)
      : allocator(static_cast<size_t>(records) * 128 + (1 << 20)),
        representation(rocksdb::SkipListFactory().CreateMemTableRep(
            comparator, &allocator, nullptr, nullptr)) {}

  void Add(const Version& version, std::string_view name) {
    char* buffer;
    const rocksdb::KeyHandle handle =
        representation->Allocate(sizeof(version) + name.size(), &buffer);
    std::memcpy(buffer, &version, sizeof(version));
    std::memcpy(buffer + sizeof(version), name.data(), name.size());
    representation->InsertConcurrently(handle);
  }

  const NewestFirst comparator;
  ChunkAllocator allocator;
  const std::unique_ptr<rocksdb::MemTableRep> representation;
};

absl::StatusOr<std::unique_ptr<SkipListTable>> SkipListTable::Create(
    const Shape& shape) {
  std::unique_ptr<SkipListTable> table(new SkipListTable(shape));
  OPSBENCH_RETURN_IF_ERROR(table->Reset());
  return table;
}

SkipListTable::SkipListTable(const Shape& shape) : shape_(shape) {}

SkipListTable::~SkipListTable() = default;

absl::Status SkipListTable::Reset() {
  list_ = nullptr;
  list_ = std::make_unique<List>(shape_.records);
  return absl::OkStatus();
}

SkipListTable::Scratch SkipListTable::MakeScratch() const {
  Scratch scratch;
  scratch.cursor.reset(new Cursor(list_->representation->GetIterator()));
  return scratch;
}

bool SkipListTable::Put(const Item& row) {
  const uint64_t sequence = sequence_.fetch_add(1, std::memory_order_relaxed);
  list_->Add({{row.id, sequence},
              row.category,
              row.value,
              static_cast<uint32_t>(row.name.size()),
              false},
             row.name);
  return true;
}

int64_t SkipListTable::Get(int64_t id, Scratch* scratch) const {
  const char* key = scratch->cursor->Seek(id);
  if (key == nullptr) return kAbsent;
  Version version;
  std::memcpy(&version, key, sizeof(version));
  return version.removed ? kAbsent : version.value;
}

bool SkipListTable::Delete(int64_t id) {
  const uint64_t sequence = sequence_.fetch_add(1, std::memory_order_relaxed);
  list_->Add({{id, sequence}, 0, 0, 0, true}, {});
  return true;
}

}  // namespace opsbench::memtable_bench
