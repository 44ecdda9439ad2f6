#include "opsbench/vector/internal/redis_owner.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/redis_reply.h"
#include "opsbench/vector/internal/redis_rows.h"

namespace opsbench::vector::internal {
namespace {

using Type = RedisReply::Type;

// Longer than any mark.
constexpr char kMostMarkBytes[] = "4096";

// The value beside `name` in a list of names and values; null: there is none.
const RedisReply* FieldOf(const RedisReply& list, absl::string_view name) {
  for (size_t i = 0; i + 1 < list.elements.size(); i += 2) {
    if (list.elements[i].text == name) return &list.elements[i + 1];
  }
  return nullptr;
}

// Whether "<row>" is how opsbench writes a row below `rows`.
bool IsRow(absl::string_view text, int64_t rows) {
  int64_t row = 0;
  return absl::SimpleAtoi(text, &row) && row >= 0 && row < rows &&
         absl::StrCat(row) == text;
}

absl::Status InTheWay(absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat(what, " was not made by opsbench"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisOwner>> RedisOwner::Connect(
    const Url& url, std::string name, std::string kind) {
  OPSBENCH_ASSIGN_OR_RETURN(auto nodes, RedisNodes::Connect(url));
  return std::unique_ptr<RedisOwner>(
      new RedisOwner(url, std::move(name), std::move(kind), std::move(nodes)));
}

std::string RedisOwner::MarkKey() const {
  return absl::StrCat("opsbench:index:", name_);
}

absl::StatusOr<std::string> RedisOwner::TypeOf(const std::string& key) {
  OPSBENCH_ASSIGN_OR_RETURN(RedisReply reply,
                            nodes_->ExecuteForKey(key, {"TYPE", key}));
  return std::move(reply.text);
}

absl::StatusOr<RedisOwner::Mark> RedisOwner::ReadMark() {
  const std::string key = MarkKey();
  Mark mark;
  OPSBENCH_ASSIGN_OR_RETURN(const std::string type, TypeOf(key));
  if (type == "none") return mark;
  if (type == "string") {
    OPSBENCH_ASSIGN_OR_RETURN(
        const RedisReply text,
        nodes_->ExecuteForKey(key, {"GETRANGE", key, "0", kMostMarkBytes}));
    mark.ours = ParseIndexMark(text.text);
  }
  if (!mark.ours.has_value()) {
    mark.foreign = absl::StrCat("key ", key, " (", type, ")");
  }
  return mark;
}

absl::Status RedisOwner::WriteMark(const IndexMark& mark) {
  const std::string key = MarkKey();
  return nodes_->ExecuteForKey(key, {"SET", key, IndexMarkText(mark)}).status();
}

absl::Status RedisOwner::Create(const std::vector<std::string>& command) {
  if (command.empty()) return absl::OkStatus();
  for (size_t node = 0; node < nodes_->size(); ++node) {
    OPSBENCH_ASSIGN_OR_RETURN(const Found index, FindSearchIndex(node));
    if (index != Found::kAbsent) continue;
    OPSBENCH_RETURN_IF_ERROR(nodes_->Execute(node, command).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<RedisOwner::Found> RedisOwner::FindSearchIndex(size_t node) {
  OPSBENCH_ASSIGN_OR_RETURN(const RedisReply info,
                            nodes_->Ask(node, {"FT.INFO", name_}));
  if (info.type == Type::kError) {
    if (absl::StartsWith(info.text, "MOVED ")) return Found::kElsewhere;
    const absl::Status status = IndexErrorStatus(info.text);
    // Without a search module there is no such index.
    if (absl::IsNotFound(status) || absl::IsUnimplemented(status)) {
      return Found::kAbsent;
    }
    return status;
  }
  const RedisReply* const definition = FieldOf(info, "index_definition");
  const RedisReply* const prefixes =
      definition == nullptr ? nullptr : FieldOf(*definition, "prefixes");
  const bool ours = prefixes != nullptr && prefixes->elements.size() == 1 &&
                    prefixes->elements[0].text == absl::StrCat(name_, ":");
  return ours ? Found::kOurs : Found::kForeign;
}

absl::StatusOr<RedisOwner::Found> RedisOwner::FindVectorSet(
    const IndexMark* mark) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string type, TypeOf(name_));
  if (type == "none") return Found::kAbsent;
  if (type != "vectorset" || mark == nullptr) return Found::kForeign;
  OPSBENCH_ASSIGN_OR_RETURN(const RedisReply dimension,
                            nodes_->ExecuteForKey(name_, {"VDIM", name_}));
  OPSBENCH_ASSIGN_OR_RETURN(const RedisReply count,
                            nodes_->ExecuteForKey(name_, {"VCARD", name_}));
  return dimension.integer == mark->dimension && count.integer <= mark->rows
             ? Found::kOurs
             : Found::kForeign;
}

absl::StatusOr<std::string> RedisOwner::FindForeignKey(int64_t rows) {
  std::string foreign;
  const std::string prefix = absl::StrCat(name_, ":");
  const absl::Status status = nodes_->Scan(
      absl::StrCat(prefix, "*"),
      [&](size_t, const std::vector<std::string>& keys) {
        for (const std::string& key : keys) {
          absl::string_view row = key;
          if (absl::ConsumePrefix(&row, prefix) && IsRow(row, rows)) continue;
          foreign = key;
          return absl::CancelledError();
        }
        return absl::OkStatus();
      });
  if (foreign.empty()) {
    OPSBENCH_RETURN_IF_ERROR(status);
    return foreign;
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string type, TypeOf(foreign));
  return absl::StrCat("key ", foreign, " (", type, ")");
}

absl::StatusOr<std::string> RedisOwner::FindForeign(
    const absl::optional<IndexMark>& ours) {
  const bool set_is_ours = ours.has_value() && ours->kind == kVectorSetKind;
  if (kind_ == kVectorSetKind) {
    OPSBENCH_ASSIGN_OR_RETURN(const Found set,
                              FindVectorSet(set_is_ours ? &*ours : nullptr));
    if (set != Found::kForeign) return std::string();
    OPSBENCH_ASSIGN_OR_RETURN(const std::string type, TypeOf(name_));
    return absl::StrCat("key ", name_, " (", type, ")");
  }
  const bool rows_are_ours = ours.has_value() && !set_is_ours;
  for (size_t node = 0; node < nodes_->size(); ++node) {
    OPSBENCH_ASSIGN_OR_RETURN(const Found index, FindSearchIndex(node));
    if (index == Found::kForeign || (index == Found::kOurs && !rows_are_ours)) {
      return absl::StrCat("index ", name_);
    }
  }
  return FindForeignKey(rows_are_ours ? ours->rows : 0);
}

absl::Status RedisOwner::Unlink(const std::string& key) {
  return nodes_->ExecuteForKey(key, {"UNLINK", key}).status();
}

// A module may drop the index on all nodes at the word of one, so each is asked
// whether it has it. The rows stay.
absl::Status RedisOwner::DropSearchIndex(bool foreign) {
  for (size_t node = 0; node < nodes_->size(); ++node) {
    OPSBENCH_ASSIGN_OR_RETURN(const Found index, FindSearchIndex(node));
    if (index == Found::kAbsent || index == Found::kElsewhere) continue;
    if (index == Found::kForeign && !foreign) {
      return InTheWay(absl::StrCat("index ", name_));
    }
    OPSBENCH_RETURN_IF_ERROR(
        nodes_->Execute(node, {"FT.DROPINDEX", name_}).status());
  }
  return absl::OkStatus();
}

absl::Status RedisOwner::RemoveOurs(IndexMark mark) {
  const bool is_set = mark.kind == kVectorSetKind;
  if (is_set) {
    OPSBENCH_ASSIGN_OR_RETURN(const Found set, FindVectorSet(&mark));
    if (set == Found::kForeign) return InTheWay(absl::StrCat("key ", name_));
  } else {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string other,
                              FindOtherRow(url_, name_, mark));
    if (!other.empty()) return InTheWay(absl::StrCat("key ", other));
  }
  // From here on it is not whole.
  mark.complete = false;
  OPSBENCH_RETURN_IF_ERROR(WriteMark(mark));
  if (is_set) {
    OPSBENCH_RETURN_IF_ERROR(Unlink(name_));
  } else {
    OPSBENCH_RETURN_IF_ERROR(DropSearchIndex(false));
    OPSBENCH_RETURN_IF_ERROR(RemoveRows(url_, name_, mark.rows));
  }
  return Unlink(MarkKey());
}

absl::Status RedisOwner::RemoveAll() {
  if (kind_ == kVectorSetKind) {
    OPSBENCH_RETURN_IF_ERROR(Unlink(name_));
    return Unlink(MarkKey());
  }
  OPSBENCH_RETURN_IF_ERROR(DropSearchIndex(true));
  OPSBENCH_RETURN_IF_ERROR(
      nodes_->Scan(absl::StrCat(name_, ":*"),
                   [&](size_t, const std::vector<std::string>& keys) {
                     for (const std::string& key : keys) {
                       OPSBENCH_RETURN_IF_ERROR(Unlink(key));
                     }
                     return absl::OkStatus();
                   }));
  return Unlink(MarkKey());
}

}  // namespace opsbench::vector::internal
