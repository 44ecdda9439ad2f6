#include "opsbench/sidetable/generator.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace opsbench::sidetable {
namespace {

constexpr const char* kTopLevels[] = {"labs",     "notifications", "orders",
                                      "billing",  "auth",          "messaging",
                                      "inventory"};
constexpr int kSubsPerTop = 10;
constexpr int kCompsPerSub = 10;
constexpr int kStepsPerComp = 5;
constexpr int kPartsPerStep = 4;
// How many heavy paths there are of each depth. Enough of them reach the
// deepest level, or reads there would only ever meet the tail.
constexpr int kHeavyByDepth[kMaxLevels + 1] = {0, 0, 0, 8, 4, 8};
constexpr uint64_t kTaxonomySeed = 0x5ca1ab1e;

// The example that every reader of the documents looks for is in the data.
std::string SubName(int top, int sub) {
  return top == 0 && sub == 0 ? "result_webhooks" : absl::StrCat("sub_", sub);
}

std::string CompName(int top, int sub, int comp) {
  return top == 0 && sub == 0 && comp == 0 ? "quest"
                                           : absl::StrCat("comp_", comp);
}

// Leaves of a tree in which a branch ends at depth 2, 3 or 4 with the
// probabilities below and at depth 5 otherwise.
void AddLeaves(int top, int sub, Random& random,
               std::vector<std::string>* leaves) {
  const std::string l2 = absl::StrCat(kTopLevels[top], ".", SubName(top, sub));
  if (sub != 0 && random.Bernoulli(0.1)) {
    leaves->push_back(l2);
    return;
  }
  for (int comp = 0; comp < kCompsPerSub; ++comp) {
    const std::string l3 = absl::StrCat(l2, ".", CompName(top, sub, comp));
    if (comp != 0 && random.Bernoulli(0.3)) {
      leaves->push_back(l3);
      continue;
    }
    for (int step = 0; step < kStepsPerComp; ++step) {
      const std::string l4 = absl::StrCat(l3, ".step_", step);
      if (step != 0 && random.Bernoulli(0.5)) {
        leaves->push_back(l4);
        continue;
      }
      for (int part = 0; part < kPartsPerStep; ++part) {
        leaves->push_back(absl::StrCat(l4, ".part_", part));
      }
    }
  }
}

Taxonomy::Path MakePath(std::string text) {
  Taxonomy::Path path;
  path.depth = Depth(text);
  for (int level = 1; level <= kMaxLevels; ++level) {
    path.prefix_bytes[level - 1] =
        static_cast<uint8_t>(Prefix(text, std::min(level, path.depth)).size());
  }
  path.text = std::move(text);
  return path;
}

}  // namespace

const Taxonomy& Taxonomy::Get() {
  static const Taxonomy* const taxonomy = new Taxonomy();
  return *taxonomy;
}

Taxonomy::Taxonomy() : tail_(*Zipf::Create(1, 1)) {
  Random random(kTaxonomySeed);
  std::vector<std::string> leaves;
  for (int top = 0; top < static_cast<int>(std::size(kTopLevels)); ++top) {
    for (int sub = 0; sub < kSubsPerTop; ++sub) {
      AddLeaves(top, sub, random, &leaves);
    }
  }
  // Popularity must not follow the alphabet, or hot rows would share pages.
  for (size_t i = leaves.size() - 1; i > 0; --i) {
    std::swap(leaves[i], leaves[random.Below(i + 1)]);
  }
  const auto first = std::find(leaves.begin(), leaves.end(),
                               "labs.result_webhooks.quest.step_0.part_0");
  std::iter_swap(leaves.begin(), first);
  std::stable_partition(
      leaves.begin(), leaves.end(),
      [wanted = std::to_array(kHeavyByDepth)](const std::string& leaf) mutable {
        return wanted[Depth(leaf)]-- > 0;
      });
  for (std::string& leaf : leaves) paths_.push_back(MakePath(std::move(leaf)));
  tail_ = *Zipf::Create(paths_.size() - kHeavyPaths, 1.0);

  absl::flat_hash_set<absl::string_view> seen;
  for (int i = 0; i < kHeavyPaths; ++i) seen.insert(paths_[i].Prefix(3));
  for (const Path& path : absl::MakeSpan(paths_).subspan(kHeavyPaths)) {
    if (path.depth >= 3 && seen.insert(path.Prefix(3)).second) {
      cold_l3_.emplace_back(path.Prefix(3));
    }
  }
}

uint32_t Taxonomy::Draw(Random& random) const {
  if (random.Bernoulli(kHeavyShare)) {
    return static_cast<uint32_t>(random.Below(kHeavyPaths));
  }
  return static_cast<uint32_t>(kHeavyPaths + tail_(random));
}

absl::string_view Taxonomy::DrawPrefix(int level, Random& random) const {
  const Path* path;
  do {
    path = &paths_[Draw(random)];
  } while (path->depth < level);
  return path->Prefix(level);
}

absl::string_view Taxonomy::DrawColdL3(Random& random) const {
  return cold_l3_[random.Below(cold_l3_.size())];
}

Operation Generator::Draw(Random& random) const {
  Operation operation;
  operation.path = &taxonomy_.paths()[taxonomy_.Draw(random)];
  const bool recent = random.Bernoulli(kRecentShare);
  const int64_t age_us =
      recent ? random.Between(0, 48 * kHourUs - 1)
             : random.Between(48 * kHourUs, 30 * 24 * kHourUs - 1);
  operation.created_at_us = kDataNowUs - age_us;
  operation.status = random.Bernoulli(kErrorShare) ? 1 : 0;
  operation.payload_bits = random.Next();
  return operation;
}

void Operation::RenderPayload(std::string* json) const {
  // {"request":"0123456789abcdef","attempt":1,"duration_ms":123,"code":200}
  static constexpr char kHex[] = "0123456789abcdef";
  char request[16];
  for (int i = 0; i < 16; ++i) {
    request[i] = kHex[(payload_bits >> (4 * i)) & 15];
  }
  json->assign("{\"request\":\"");
  json->append(request, sizeof(request));
  absl::StrAppend(json, "\",\"attempt\":", 1 + payload_bits % 3,
                  ",\"duration_ms\":", (payload_bits >> 8) % 5000,
                  status == 0 ? ",\"code\":200}" : ",\"code\":503}");
}

void NewOperation::Set(const Operation& from) {
  operation = from;
  operation.RenderPayload(&payload_json);
  PrefixesAsJson(operation.path->text, &prefixes_json);
}

std::vector<std::string> OperationRows::Columns(bool levels) {
  std::vector<std::string> columns = {"id", "type_path", "created_at", "status",
                                      "payload_json"};
  for (int level = 1; levels && level <= kMaxLevels; ++level) {
    columns.push_back(absl::StrCat("l", level));
  }
  return columns;
}

absl::StatusOr<bool> OperationRows::Next(absl::Span<Value> row) {
  if (next_ == last_) return false;
  const Operation operation = generator_.At(next_++);
  operation.RenderPayload(&payload_);
  row[0] = Value::Int64(operation.id);
  row[1] = Value::Text(operation.path->text);
  row[2] = Value::TimestampUs(operation.created_at_us);
  row[3] = Value::Int64(operation.status);
  row[4] = Value::Text(payload_);
  for (int level = 1; levels_ && level <= kMaxLevels; ++level) {
    row[4 + level] = level <= operation.path->depth
                         ? Value::Text(operation.path->Prefix(level))
                         : Value::Null();
  }
  return true;
}

std::vector<std::string> PrefixRows::Columns() {
  return {"operation_id", "prefix", "created_at"};
}

absl::StatusOr<bool> PrefixRows::Next(absl::Span<Value> row) {
  if (operation_.path == nullptr || level_ == operation_.path->depth) {
    if (next_ == last_) return false;
    operation_ = generator_.At(next_++);
    level_ = 0;
  }
  ++level_;
  row[0] = Value::Int64(operation_.id);
  row[1] = Value::Text(operation_.path->Prefix(level_));
  row[2] = Value::TimestampUs(operation_.created_at_us);
  return true;
}

}  // namespace opsbench::sidetable
