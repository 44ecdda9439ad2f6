#include "opsbench/memtable/bench_target.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/memtable/internal/sql_files.h"
#include "opsbench/memtable/redis_persister.h"
#include "opsbench/memtable/sql_persister.h"

namespace opsbench::memtable {
namespace {

constexpr char kRemedy[] = "rename or drop it, the benchmark works there";

std::string MakerOf(const BenchTarget::Options& options) {
  return absl::StrCat(options.name, " bench");
}

class SqlTarget : public BenchTarget {
 public:
  static absl::StatusOr<std::unique_ptr<BenchTarget>> Open(
      const Url& url, const Options& options) {
    auto target = std::make_unique<SqlTarget>();
    target->table_.name = absl::StrCat("opsbench_bench_", options.name);
    target->maker_ = MakerOf(options);
    OPSBENCH_ASSIGN_OR_RETURN(target->session_, Connect(url));
    OPSBENCH_RETURN_IF_ERROR(DropOurTable(*target->session_, target->table_,
                                          target->maker_, kRemedy));
    OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql create,
                              target->Compile("create"));
    OPSBENCH_RETURN_IF_ERROR(CreateMarkedTable(
        *target->session_, target->table_, create.sql, target->maker_));
    target->made_ = true;
    OPSBENCH_ASSIGN_OR_RETURN(
        target->persister_,
        SqlPersister<ItemSchema>::Open(url, target->table_.name));
    return target;
  }
  ~SqlTarget() override {
    persister_.reset();
    if (!made_) return;
    DropOurTable(*session_, table_, maker_, kRemedy).IgnoreError();
  }

  absl::Status Clear() override {
    OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql sql, Compile("clear"));
    return session_->Execute(sql.sql).status();
  }

  absl::StatusOr<int64_t> Count() override {
    OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql sql, Compile("count"));
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(session_->Query(sql.sql, &rows));
    return rows.at(0, 0).int64();
  }

  absl::StatusOr<absl::optional<OwnedItem>> Read(int64_t id) override {
    OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql sql, Compile("read"));
    OPSBENCH_ASSIGN_OR_RETURN(const auto read, session_->Prepare(sql.sql));
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(read->Execute({Value::Int64(id)}, &rows).status());
    if (rows.row_count() == 0) return absl::optional<OwnedItem>();
    OwnedItem item;
    item.id = id;
    item.name = std::string(rows.at(0, 0).text());
    item.category = rows.at(0, 1).int64();
    item.value = rows.at(0, 2).int64();
    return absl::optional<OwnedItem>(std::move(item));
  }

 private:
  absl::StatusOr<CompiledSql> Compile(absl::string_view section) const {
    const Engine engine = session_->capabilities().engine;
    const std::string name =
        absl::StrCat(EngineName(engine), "/memtable/bench_target");
    for (const SqlFile& sql : internal::SqlFiles()) {
      if (sql.name != name) continue;
      OPSBENCH_ASSIGN_OR_RETURN(const SqlCatalog catalog,
                                SqlCatalog::Parse(sql.content));
      return catalog.Compile(section, engine, {{"table", table_.name}});
    }
    return absl::UnimplementedError(
        absl::StrCat(EngineName(engine), " has no tables"));
  }

  TableId table_;
  std::string maker_;
  bool made_ = false;
  std::unique_ptr<Session> session_;
};

// The mark is the value of the key that is the others' prefix; it says how many
// there may be.
class RedisTarget : public BenchTarget {
 public:
  static absl::StatusOr<std::unique_ptr<BenchTarget>> Open(
      const Url& url, const Options& options) {
    auto target = std::make_unique<RedisTarget>();
    target->prefix_ = absl::StrCat("opsbench:bench:", options.name);
    OPSBENCH_ASSIGN_OR_RETURN(target->session_, ConnectRedis(url));
    OPSBENCH_RETURN_IF_ERROR(target->Claim(options));
    OPSBENCH_ASSIGN_OR_RETURN(
        target->persister_,
        RedisPersister<ItemSchema>::Open(url, target->prefix_));
    return target;
  }
  ~RedisTarget() override {
    persister_.reset();
    if (!claimed_ || !Clear().ok()) return;
    session_->Execute({"DEL", prefix_}).status().IgnoreError();
  }

  absl::Status Clear() override {
    return OfEach("DEL", 0, max_items_).status();
  }
  absl::StatusOr<int64_t> Count() override {
    return OfEach("EXISTS", 0, max_items_);
  }

  absl::StatusOr<absl::optional<OwnedItem>> Read(int64_t id) override {
    OPSBENCH_ASSIGN_OR_RETURN(
        const RedisReply reply,
        session_->Execute({"HMGET", absl::StrCat(prefix_, ":", id), "id",
                           "name", "category", "value"}));
    if (reply.elements.size() != 4) {
      return absl::InternalError("HMGET: not an answer for each field");
    }
    const auto text = [&](size_t field) -> const std::string& {
      return reply.elements[field].text;
    };
    if (text(0).empty()) return absl::optional<OwnedItem>();
    OwnedItem item;
    item.name = text(1);
    if (!absl::SimpleAtoi(text(0), &item.id) ||
        !absl::SimpleAtoi(text(2), &item.category) ||
        !absl::SimpleAtoi(text(3), &item.value)) {
      return absl::InternalError(
          absl::StrCat(prefix_, ":", id, " holds other fields than an item"));
    }
    return absl::optional<OwnedItem>(std::move(item));
  }

 private:
  absl::Status Claim(const Options& options) {
    const std::string maker = MakerOf(options);
    const auto reply = session_->Execute({"GET", prefix_});
    const TableOwner owner = ParseOwnershipMark(reply.ok() ? reply->text : "");
    absl::string_view detail = owner.detail;
    if (owner.maker == maker && absl::ConsumePrefix(&detail, "items=") &&
        absl::SimpleAtoi(detail, &max_items_)) {
      OPSBENCH_RETURN_IF_ERROR(Clear());
    } else if (!reply.ok() || reply->type != RedisReply::Type::kNil) {
      return Foreign(prefix_);
    }
    max_items_ = options.max_items;
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t others, Count());
    if (others > 0) return ForeignItem();
    const std::string mark =
        OwnershipMark(maker, absl::StrCat("items=", max_items_));
    OPSBENCH_RETURN_IF_ERROR(
        session_->Execute({"SET", prefix_, mark}).status());
    claimed_ = true;
    return absl::OkStatus();
  }

  static absl::Status Foreign(const std::string& keys) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the key ", keys, " was not made by this benchmark: ", kRemedy));
  }

  // Names the first item that is there.
  absl::Status ForeignItem() {
    int64_t low = 0;
    for (int64_t end = max_items_; end - low > 1;) {
      const int64_t middle = low + (end - low) / 2;
      OPSBENCH_ASSIGN_OR_RETURN(const int64_t before,
                                OfEach("EXISTS", low, middle));
      (before > 0 ? end : low) = middle;
    }
    return Foreign(absl::StrCat(prefix_, ":", low));
  }

  // The sum of the replies to a command with the keys from `begin` to `end`.
  absl::StatusOr<int64_t> OfEach(absl::string_view command, int64_t begin,
                                 int64_t end) {
    constexpr int64_t kKeysAtOnce = 1'000;
    int64_t sum = 0;
    for (int64_t first = begin; first < end; first += kKeysAtOnce) {
      std::vector<std::string> keys;
      for (int64_t id = first; id < std::min(first + kKeysAtOnce, end); ++id) {
        keys.push_back(absl::StrCat(prefix_, ":", id));
      }
      std::vector<absl::string_view> words = {command};
      words.insert(words.end(), keys.begin(), keys.end());
      OPSBENCH_ASSIGN_OR_RETURN(const RedisReply reply,
                                session_->Execute(words));
      sum += reply.integer;
    }
    return sum;
  }

  std::string prefix_;
  int64_t max_items_ = 0;
  bool claimed_ = false;
  std::unique_ptr<RedisSession> session_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BenchTarget>> BenchTarget::Open(
    const Url& url, const Options& options) {
  return url.engine == Engine::kRedis ? RedisTarget::Open(url, options)
                                      : SqlTarget::Open(url, options);
}

absl::Status CheckTarget(
    BenchTarget& target, int64_t max_items, int64_t count,
    const std::function<absl::optional<OwnedItem>(int64_t id)>& expected) {
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t counted, target.Count());
  if (counted != count) {
    return absl::InternalError(absl::StrCat(
        "wrong effect: ", counted, " rows were persisted, not ", count));
  }
  constexpr int64_t kSamples = 100;
  const int64_t step = std::max<int64_t>(1, max_items / kSamples);
  for (int64_t id = 0; id < max_items; id += step) {
    OPSBENCH_ASSIGN_OR_RETURN(const auto item, target.Read(id));
    const auto wanted = expected(id);
    const bool same = item.has_value() == wanted.has_value() &&
                      (!item.has_value() || *item == *wanted);
    if (same) continue;
    return absl::InternalError(absl::StrCat(
        "wrong effect: row ", id, " was ",
        item.has_value() ? "persisted with other values" : "not persisted"));
  }
  return absl::OkStatus();
}

}  // namespace opsbench::memtable
