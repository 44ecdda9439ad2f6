#include "memtable/real_persisters.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/session.h"
#include "opsbench/engines/engines.h"
#include "opsbench/memtable/redis_persister.h"
#include "opsbench/memtable/seed_item.h"
#include "opsbench/memtable/sql_persister.h"

namespace opsbench::memtable_bench {
namespace {

using memtable::Change;
using memtable::ItemSchema;
using memtable::Persister;
using MadePersister = absl::StatusOr<std::unique_ptr<Persister<Item>>>;

// The engine's URL; it lives until main's end.
absl::StatusOr<Url> EngineOf(Engine engine) {
  static std::map<Engine, std::unique_ptr<EngineHandle>> handles;
  std::unique_ptr<EngineHandle>& handle = handles[engine];
  if (handle == nullptr) {
    OPSBENCH_ASSIGN_OR_RETURN(const Environment environment,
                              Environment::Load());
    OPSBENCH_ASSIGN_OR_RETURN(handle, AcquireEngine(engine, environment));
  }
  return handle->url();
}

// Nobody else's: it may be an outside database.
std::string OwnName() { return absl::StrCat("opsbench_memtable_", getpid()); }

// Writes to a table that is there as long as the persister.
class TablePersister : public Persister<Item> {
 public:
  static MadePersister Open(Engine engine) {
    auto persister = std::make_unique<TablePersister>();
    OPSBENCH_ASSIGN_OR_RETURN(const Url url, EngineOf(engine));
    OPSBENCH_ASSIGN_OR_RETURN(persister->session_, Connect(url));
    OPSBENCH_RETURN_IF_ERROR(persister->Drop());
    OPSBENCH_RETURN_IF_ERROR(
        persister->session_
            ->Execute(absl::StrCat(
                "CREATE TABLE ", OwnName(),
                " (id BIGINT PRIMARY KEY, name VARCHAR(100) NOT NULL, "
                "category BIGINT NOT NULL, value BIGINT NOT NULL)"))
            .status());
    OPSBENCH_ASSIGN_OR_RETURN(
        persister->writer_,
        memtable::SqlPersister<ItemSchema>::Open(url, OwnName()));
    return persister;
  }
  ~TablePersister() override {
    writer_.reset();
    if (session_ != nullptr) Drop().IgnoreError();
  }

  absl::Status Persist(absl::Span<const Change<Item>> changes) override {
    return writer_->Persist(changes);
  }

 private:
  absl::Status Drop() {
    return session_->Execute(absl::StrCat("DROP TABLE IF EXISTS ", OwnName()))
        .status();
  }

  std::unique_ptr<Session> session_;
  std::unique_ptr<Persister<Item>> writer_;
};

// Writes to keys below a prefix, which it removes at the end.
class KeysPersister : public Persister<Item> {
 public:
  static MadePersister Open() {
    auto persister = std::make_unique<KeysPersister>();
    OPSBENCH_ASSIGN_OR_RETURN(const Url url, EngineOf(Engine::kRedis));
    OPSBENCH_ASSIGN_OR_RETURN(
        persister->writer_,
        memtable::RedisPersister<ItemSchema>::Open(url, OwnName()));
    return persister;
  }
  ~KeysPersister() override {
    std::vector<OwnedItem> removed;
    for (int64_t id = 0; id <= last_id_; ++id) {
      removed.emplace_back(id);
      if (removed.size() == kRemovedAtOnce || id == last_id_) {
        std::vector<Item> rows;
        std::vector<Change<Item>> changes;
        for (const OwnedItem& item : removed) rows.push_back(item.view());
        for (const Item& row : rows) changes.push_back({&row, true});
        if (!writer_->Persist(changes).ok()) return;
        removed.clear();
      }
    }
  }

  absl::Status Persist(absl::Span<const Change<Item>> changes) override {
    // The last of a batch has the largest key.
    last_id_ = std::max(last_id_, changes.back().row->id);
    return writer_->Persist(changes);
  }

 private:
  static constexpr size_t kRemovedAtOnce = 1000;

  int64_t last_id_ = -1;
  std::unique_ptr<Persister<Item>> writer_;
};

}  // namespace

std::vector<PersisterChoice> RealPersisters() {
  std::vector<PersisterChoice> choices;
  for (const Engine engine :
       {Engine::kSqlite, Engine::kMysql, Engine::kPostgres}) {
    choices.push_back({std::string(EngineName(engine)),
                       [engine] { return TablePersister::Open(engine); }});
  }
  choices.push_back({"redis", [] { return KeysPersister::Open(); }});
  return choices;
}

}  // namespace opsbench::memtable_bench
