#include "memtable/leveldb_table.h"

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "leveldb/db.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::memtable_bench {
namespace {

// Big-endian, so that LevelDB's order is that of the numbers.
struct Key {
  explicit Key(int64_t id) {
    const uint64_t swapped = __builtin_bswap64(static_cast<uint64_t>(id));
    std::memcpy(bytes.data(), &swapped, sizeof(swapped));
  }
  leveldb::Slice slice() const { return {bytes.data(), bytes.size()}; }

  std::array<char, sizeof(int64_t)> bytes;
};

absl::Status ToStatus(const leveldb::Status& status) {
  return status.ok() ? absl::OkStatus()
                     : absl::InternalError(status.ToString());
}

}  // namespace

absl::StatusOr<std::unique_ptr<LevelDbTable>> LevelDbTable::Create(
    const Shape&) {
  std::string folder = "/dev/shm/opsbench-leveldb-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::UnavailableError("no folder can be made in /dev/shm");
  }
  std::unique_ptr<LevelDbTable> table(new LevelDbTable(std::move(folder)));
  OPSBENCH_RETURN_IF_ERROR(table->Reset());
  return table;
}

LevelDbTable::LevelDbTable(std::string folder) : folder_(std::move(folder)) {}

LevelDbTable::~LevelDbTable() {
  db_ = nullptr;
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

absl::Status LevelDbTable::Reset() {
  db_ = nullptr;
  leveldb::Options options;
  OPSBENCH_RETURN_IF_ERROR(ToStatus(leveldb::DestroyDB(folder_, options)));
  options.create_if_missing = true;
  options.write_buffer_size = size_t{1} << 30;
  leveldb::DB* db = nullptr;
  OPSBENCH_RETURN_IF_ERROR(ToStatus(leveldb::DB::Open(options, folder_, &db)));
  db_.reset(db);
  return absl::OkStatus();
}

bool LevelDbTable::Put(const Item& row) {
  std::array<char, 2 * sizeof(int64_t) + 32> value;
  const size_t name_bytes = std::min<size_t>(row.name.size(), 32);
  std::memcpy(value.data(), &row.value, sizeof(row.value));
  std::memcpy(value.data() + sizeof(row.value), &row.category,
              sizeof(row.category));
  std::memcpy(value.data() + 2 * sizeof(int64_t), row.name.data(), name_bytes);
  return db_
      ->Put(leveldb::WriteOptions(), Key(row.id).slice(),
            {value.data(), 2 * sizeof(int64_t) + name_bytes})
      .ok();
}

int64_t LevelDbTable::Get(int64_t id, Scratch* scratch) const {
  const leveldb::Status status =
      db_->Get(leveldb::ReadOptions(), Key(id).slice(), &scratch->value);
  int64_t value = kAbsent;
  if (status.ok() && scratch->value.size() >= sizeof(value)) {
    std::memcpy(&value, scratch->value.data(), sizeof(value));
  }
  return value;
}

bool LevelDbTable::Delete(int64_t id) {
  return db_->Delete(leveldb::WriteOptions(), Key(id).slice()).ok();
}

}  // namespace opsbench::memtable_bench
