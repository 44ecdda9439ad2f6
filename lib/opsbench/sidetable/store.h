#ifndef OPSBENCH_SIDETABLE_STORE_H_
#define OPSBENCH_SIDETABLE_STORE_H_

// The operations of one strategy in one database: schema, writes and reads,
// through one session. The SQL is in sql/<engine>/sidetable/.
//
// Thread safety: as its Session, for one thread at a time.
//
// Reads fill a ResultSet whose columns are id, created_at, status, type_path,
// newest first, equal times by ascending id: the same rows in the same order
// from every strategy and engine.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "opsbench/db/ownership.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/sidetable/generator.h"
#include "opsbench/sidetable/strategy.h"

namespace opsbench::sidetable {

// Raised with each change of tables or data that old data does not follow.
inline constexpr int kSchemaVersion = 2;

// What the database says of its own data.
struct Meta {
  int schema_version = 0;
  uint64_t seed = 0;
  int64_t operations = 0;
  int64_t chunk_operations = 0;  // Operations that were loaded at once.
  bool complete = false;
};

class Store {
 public:
  // Binds the strategy's statements to `session`, which must outlive the store;
  // sends nothing. Unimplemented: the engine cannot do this strategy.
  static absl::StatusOr<std::unique_ptr<Store>> Create(
      Session* session, Strategy strategy, Purpose purpose = Purpose::kData);

  Strategy strategy() const { return strategy_; }
  Purpose purpose() const { return purpose_; }
  Engine engine() const { return engine_; }
  Session& session() { return *session_; }

  // The name in the database of one of Tables(), or of an index.
  std::string NameOf(absl::string_view name) const;

  // A section of the strategy's SQL, or of what all strategies share, for this
  // store's names and a prefix of `level` components. NotFound: there is none.
  absl::StatusOr<CompiledSql> Compile(absl::string_view section, int level = 0,
                                      int rows = 1) const;
  // The same with its parameters written out: see SqlCatalog::Render().
  absl::StatusOr<std::string> Render(
      absl::string_view section, int level,
      const std::map<std::string, Value>& values) const;
  bool Has(absl::string_view section) const { return sql_.Has(section); }

  // --- Schema and what is known of the data ---

  // The row that Seed() left; none when this strategy was never seeded here.
  absl::StatusOr<absl::optional<Meta>> ReadMeta();

  // The Meta of data that is complete and of this schema version. NotFound: not
  // seeded. FailedPrecondition: another version, seeding was interrupted, or a
  // table has no mark of this store's purpose. Each message says what to do.
  absl::StatusOr<Meta> RequireSeeded();

  // Records `meta` and creates tables, indexes and procedures, each with its
  // mark. FailedPrecondition: something of the same name is there; it is left
  // alone.
  absl::Status CreateSchema(const Meta& meta);
  // Drops what CreateSchema made; nothing when it is not there. Drops what is
  // of the same name and was not made for this purpose only with
  // `foreign_too`, and FailedPrecondition names it otherwise, before anything
  // is dropped.
  absl::Status DropSchema(bool foreign_too = false);
  // Drops the records that all strategies of this purpose share, if they are
  // ours. REQUIRES: no strategy is left.
  absl::Status DropRecords();
  // Brings data of schema version 1, whose rows are the same, to this version:
  // marks its tables, and makes what was not there. REQUIRES: the caller knows
  // that the data is the generator's.
  absl::Status Upgrade();
  // Chunks of the data that are loaded already.
  absl::StatusOr<std::vector<int64_t>> ReadChunks();
  absl::Status WriteChunk(int64_t chunk);
  // After the last row: indexes that were left out are made, ids continue
  // behind `operations`, statistics are gathered.
  absl::Status Finish(int64_t operations);
  // Marks the data complete.
  absl::Status Complete();
  absl::StatusOr<int64_t> CountRows(absl::string_view table);
  absl::StatusOr<int64_t> CountOperations();

  // --- Reads. REQUIRES: valid paths of at most kMaxLevels components ---

  // The newest `limit` operations under `prefix`, after skipping `offset`.
  absl::Status Latest(absl::string_view prefix, int64_t limit, ResultSet* rows);
  absl::Status LatestOffset(absl::string_view prefix, int64_t limit,
                            int64_t offset, ResultSet* rows);
  // The newest with exactly this path.
  absl::Status Exact(absl::string_view path, int64_t limit, ResultSet* rows);
  // Operations under `prefix` not older than `since_us`: one row, one column.
  absl::Status CountSince(absl::string_view prefix, int64_t since_us,
                          ResultSet* rows);
  // The same, and how many of them failed: one row, two columns.
  absl::Status ErrorRate(absl::string_view prefix, int64_t since_us,
                         ResultSet* rows);
  // The newest operations of all.
  absl::Status Newest(int64_t limit, ResultSet* rows);

  // --- Writes: each all or nothing, with all of its prefix rows ---

  // Internal: the engine says that it wrote another number of rows.
  // One operation, in one round trip where the engine has procedures.
  absl::Status InsertOne(const NewOperation& inserted);
  absl::Status InsertMany(absl::Span<const NewOperation> operations);

  // Runs any section of the catalogue that has no repeated part, with values by
  // name. For inspection, not for speed.
  absl::StatusOr<int64_t> Run(absl::string_view section,
                              const std::map<std::string, Value>& values,
                              ResultSet* rows);

 private:
  // Parameters that the hot statements take, bound by position of this list.
  enum Parameter : uint8_t {
    kPrefix,
    kPattern,
    kRangeLow,
    kRangeHigh,
    kMaxRows,
    kOffset,
    kSince,
    kPath,
    kCreatedAt,
    kStatus,
    kPayload,
    kPrefixes,
    kId,
    kFirstId,
    kEndId,
    kCount,
    kL1,
    kL2,
    kL3,
    kL4,
    kL5,
    kParameterCount
  };
  struct Bound {
    std::unique_ptr<Statement> statement;
    std::vector<Parameter> parameters;  // Of the whole, or of each row.
    int rows = 1;
  };
  enum Query : uint8_t {
    kLatest,
    kLatestOffset,
    kExact,
    kCountSince,
    kErrorRate,
    kNewest,
    kInsertOne,
    kInsertPrefix,
    kInsertRowsPrefixes,
    kAllocateIds,
    kQueryCount
  };

  Store(Session* session, Strategy strategy, Purpose purpose, SqlCatalog common,
        SqlCatalog sql);

  // Something of a name that this store's own things have.
  struct Thing {
    std::string name;
    TableOwner owner;
    bool shared = false;  // A record of all strategies.
  };
  // The tables first, the procedure last.
  absl::StatusOr<std::vector<Thing>> FindThings();
  absl::StatusOr<TableOwner> FindProcedure();
  bool IsOurs(const Thing& thing) const {
    return thing.owner.ownership == Ownership::kOurs &&
           thing.owner.maker == Maker(purpose_);
  }
  // What a user can do about something foreign.
  std::string Remedy() const;
  absl::Status RefuseForeign(const Thing& thing) const;
  // Runs a section that makes a table, with its mark, or something else.
  absl::Status CreateTable(absl::string_view section);

  // The catalogue that has the section.
  const SqlCatalog& CatalogOf(absl::string_view section) const {
    return sql_.Has(section) ? sql_ : common_;
  }
  std::map<std::string, std::string> Replacements(int level) const;

  absl::StatusOr<std::unique_ptr<Bound>> Prepare(absl::string_view section,
                                                 int level, int rows);
  // The prepared statement of a query; prepared at its first use.
  absl::StatusOr<Bound*> Get(Query query, int level);
  absl::StatusOr<int64_t> Execute(Query query, int level, ResultSet* rows);
  absl::Status ReadUnder(Query query, absl::string_view prefix,
                         ResultSet* rows);
  void BindPrefix(absl::string_view prefix);
  void BindOperation(const NewOperation& inserted);
  // Whether writers choose the ids: where the engine has no way to tell which
  // ids a statement of many rows got.
  bool ChoosesIds() const {
    return engine_ == Engine::kMysql && strategy_ == Strategy::kSideTable;
  }
  // The first of `count` ids in a row that are this session's alone. Outside of
  // a transaction: a block that is rolled back would be handed out again.
  absl::StatusOr<int64_t> TakeIds(int64_t count);
  // The rows' ids are `first_id` and on where writers choose them.
  absl::Status InsertManyAtOnce(absl::Span<const NewOperation> operations,
                                int64_t first_id);
  absl::Status InsertManyByRow(absl::Span<const NewOperation> operations);
  absl::Status InsertOneByRow(const NewOperation& inserted);
  // Runs `body` in a transaction.
  template <typename Body>
  absl::Status InTransaction(Body body);
  absl::Status Execute(absl::string_view section);

  Session* const session_;
  const Strategy strategy_;
  const Purpose purpose_;
  const Engine engine_;
  const SqlCatalog common_;
  const SqlCatalog sql_;
  // By query and level; level 0 where the statement is the same for all.
  std::array<std::array<std::unique_ptr<Bound>, kMaxLevels + 1>, kQueryCount>
      queries_;
  std::map<int, std::unique_ptr<Bound>> insert_rows_;  // By number of rows.
  std::array<Value, kParameterCount> values_;
  std::vector<Value> arguments_;
  std::string pattern_, range_low_, range_high_;
  // Ids that were handed out to this session and are not yet used.
  int64_t next_id_ = 0;
  int64_t end_id_ = 0;
};

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_STORE_H_
