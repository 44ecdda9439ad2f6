#include "memtable/real_persisters.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/engines/engines.h"
#include "opsbench/memtable/bench_target.h"

namespace opsbench::memtable_bench {
namespace {

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

class EngineTarget : public FlushTarget {
 public:
  static absl::StatusOr<std::unique_ptr<FlushTarget>> Open(Engine engine,
                                                           int64_t max_items) {
    auto target = std::make_unique<EngineTarget>();
    target->max_items_ = max_items;
    OPSBENCH_ASSIGN_OR_RETURN(const Url url, EngineOf(engine));
    OPSBENCH_ASSIGN_OR_RETURN(
        target->target_,
        memtable::BenchTarget::Open(url, {"memtable", max_items}));
    return target;
  }

  memtable::Persister<Item>* persister() override {
    return target_->persister();
  }

  absl::Status Check(const std::vector<Item>& present) override {
    std::map<int64_t, const Item*> by_id;
    for (const Item& item : present) by_id[item.id] = &item;
    return memtable::CheckTarget(*target_, max_items_,
                                 static_cast<int64_t>(by_id.size()),
                                 [&](int64_t id) -> absl::optional<OwnedItem> {
                                   const auto found = by_id.find(id);
                                   if (found == by_id.end())
                                     return absl::nullopt;
                                   return OwnedItem(*found->second);
                                 });
  }

 private:
  int64_t max_items_ = 0;
  std::unique_ptr<memtable::BenchTarget> target_;
};

}  // namespace

std::vector<PersisterChoice> RealPersisters() {
  std::vector<PersisterChoice> choices;
  for (const Engine engine :
       {Engine::kSqlite, Engine::kMysql, Engine::kPostgres, Engine::kRedis}) {
    choices.push_back(
        {std::string(EngineName(engine)), [engine](int64_t max_items) {
           return EngineTarget::Open(engine, max_items);
         }});
  }
  return choices;
}

}  // namespace opsbench::memtable_bench
