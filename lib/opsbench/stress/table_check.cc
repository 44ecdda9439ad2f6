#include "opsbench/stress/table_check.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/random.h"

namespace opsbench::stress {
namespace {

// Findings of one kind and table.
constexpr size_t kMaxNamed = 5;
// Wrong rows whose columns are told.
constexpr size_t kMaxDetails = 100;

constexpr uint64_t kStep = 0x9e3779b97f4a7c15u;

uint64_t HashText(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  }
  return hash;
}

uint64_t HashOf(const Value& value) {
  switch (value.type()) {
    case Value::Type::kNull:
      return 1;
    case Value::Type::kDouble: {
      const double number = value.float64() + 0.0;  // One zero.
      uint64_t bits = 0;
      std::memcpy(&bits, &number, sizeof(bits));
      return Mix64(bits + 2);
    }
    case Value::Type::kInt64:
    case Value::Type::kTimestamp:
      return Mix64(static_cast<uint64_t>(value.int64()) + 3);
    default:
      return HashText(value.text());
  }
}

// Of all columns but the id.
uint64_t HashContent(absl::Span<const Value> row) {
  uint64_t hash = 0;
  for (const Value& value : row.subspan(1)) {
    hash = Mix64((hash + kStep) ^ HashOf(value));
  }
  return hash;
}

bool IsInitial(int64_t id) { return id >= 0 && id < kSeedRows; }

}  // namespace

TableCheck::TableCheck(const Table& table, std::vector<Write> writes,
                       TableNames names, OracleReport* report)
    : table_(table),
      names_(std::move(names)),
      report_(*report),
      writes_(std::move(writes)) {
  writes_.insert(writes_.begin(), Write{.first_id = 0, .rows = kSeedRows});
  size_t bits = 0;
  for (const Write& write : writes_) {
    first_bits_.push_back(bits);
    bits += static_cast<size_t>(write.rows);
  }
  seen_.resize(bits);
}

const Write* TableCheck::Find(int64_t id) {
  const auto holds = [id](const Write& write) {
    return id >= write.first_id && id - write.first_id < write.rows;
  };
  // Neighbours come one after the other.
  if (last_ != nullptr && holds(*last_)) return last_;
  const auto after = std::upper_bound(
      writes_.begin(), writes_.end(), id,
      [](int64_t at, const Write& write) { return at < write.first_id; });
  if (after == writes_.begin() || !holds(*std::prev(after))) return nullptr;
  return last_ = &*std::prev(after);
}

size_t TableCheck::BitOf(const Write& write, int64_t id) const {
  return first_bits_[static_cast<size_t>(&write - writes_.data())] +
         static_cast<size_t>(id - write.first_id);
}

void TableCheck::Add(absl::Span<const Value> row) {
  ++found_;
  if (row[0].type() != Value::Type::kInt64) {
    ++report_.ghost_rows;
    report_.Add(
        absl::StrCat(names_.table, ": a row has the id ", row[0].ToString()));
    return;
  }
  const int64_t id = row[0].int64();
  const Write* const write = Find(id);
  Wrong wrong = {.id = id, .kind = Wrong::Kind::kGhost};
  if (write != nullptr) {
    const size_t bit = BitOf(*write, id);
    wrong.columns = maker_.Differences(table_, id, row);
    if (seen_[bit]) {
      wrong.kind =
          wrong.columns == 0 ? Wrong::Kind::kDuplicated : Wrong::Kind::kGhost;
      wrong.origin = id;
    } else if (wrong.columns == 0) {
      seen_[bit] = true;
      return;
    } else if (write->outcome != Outcome::kSkipped &&
               write->outcome != Outcome::kFailed) {
      seen_[bit] = true;
      wrong.kind = Wrong::Kind::kChanged;
    }
  }
  if (wrong_.size() == kMaxWrong) {
    ++(wrong.kind != Wrong::Kind::kChanged ? report_.ghost_rows
       : IsInitial(id)                     ? report_.changed_initial_rows
                                           : report_.changed_rows);
    return;
  }
  wrong.content = HashContent(row);
  if (wrong.columns != 0 && wrong_.size() < kMaxDetails) {
    wrong.detail = maker_.DescribeDifferences(table_, id, row);
  }
  wrong_.push_back(std::move(wrong));
}

// Looks among all expected rows for the content of wrong ones.
void TableCheck::FindOrigins() {
  std::unordered_multimap<uint64_t, Wrong*> by_content;
  std::unordered_map<int64_t, const Wrong*> changed;
  std::unordered_set<int64_t> elsewhere;  // Whose content was found.
  for (Wrong& wrong : wrong_) {
    if (wrong.kind != Wrong::Kind::kDuplicated) {
      by_content.emplace(wrong.content, &wrong);
    }
    if (wrong.kind == Wrong::Kind::kChanged) changed[wrong.id] = &wrong;
  }
  std::string text;
  std::vector<Value> row;
  for (const Write& write : writes_) {
    for (int64_t id = write.first_id; id < write.first_id + write.rows; ++id) {
      text.clear();
      text.reserve(RowMaker::MaxTextBytes(table_.size));
      row.clear();
      RowMaker::Append(table_, id, &text, &row);
      const auto [begin, end] = by_content.equal_range(HashContent(row));
      if (begin == end) continue;
      const size_t bit = BitOf(write, id);
      bool there = seen_[bit] && changed.count(id) == 0;
      for (auto found = begin; found != end; ++found) {
        Wrong& wrong = *found->second;
        wrong.kind = there ? Wrong::Kind::kDuplicated : Wrong::Kind::kMoved;
        wrong.origin = id;
        there = true;       // Further ones are copies.
        seen_[bit] = true;  // Not lost.
        elsewhere.insert(id);
      }
    }
  }
  // A row that another one's content has replaced is lost.
  for (const auto& [id, wrong] : changed) {
    if (wrong->kind == Wrong::Kind::kChanged || elsewhere.count(id) > 0) {
      continue;
    }
    seen_[BitOf(*Find(id), id)] = false;
  }
}

std::string TableCheck::RowName(int64_t id) const {
  if (IsInitial(id)) return absl::StrCat("initial row ", id);
  return absl::StrCat(names_.operation(id), ", row ", id);
}

void TableCheck::Name(size_t* named, absl::string_view finding) {
  if ((*named)++ < kMaxNamed) {
    report_.Add(absl::StrCat(names_.table, ": ", finding));
  } else {
    ++report_.more_findings;
  }
}

void TableCheck::CountWrong() {
  std::sort(wrong_.begin(), wrong_.end(),
            [](const Wrong& a, const Wrong& b) { return a.id < b.id; });
  size_t named[4] = {};
  for (const Wrong& wrong : wrong_) {
    std::string finding;
    switch (wrong.kind) {
      case Wrong::Kind::kChanged:
        ++(IsInitial(wrong.id) ? report_.changed_initial_rows
                               : report_.changed_rows);
        finding = absl::StrCat(RowName(wrong.id), " was changed",
                               wrong.detail.empty() ? "" : ": ", wrong.detail);
        break;
      case Wrong::Kind::kGhost:
        ++report_.ghost_rows;
        finding =
            absl::StrCat("nobody wrote row ", wrong.id, ": ",
                         Find(wrong.id) == nullptr ? names_.operation(wrong.id)
                                                   : RowName(wrong.id),
                         wrong.detail.empty() ? "" : "; ", wrong.detail);
        break;
      case Wrong::Kind::kMoved:
        ++report_.moved_rows;
        finding = absl::StrCat(RowName(wrong.origin),
                               " was moved: its content has the id ", wrong.id);
        break;
      case Wrong::Kind::kDuplicated:
        ++report_.duplicated_rows;
        finding = absl::StrCat(RowName(wrong.origin),
                               " was duplicated: its content has also the id ",
                               wrong.id);
        break;
    }
    Name(&named[static_cast<size_t>(wrong.kind)], finding);
  }
}

void TableCheck::CountUnknown(const Write& write, int64_t found) {
  ++report_.unknown_operations;
  if (found == 0) {
    ++report_.unknown_absent;
  } else if (found == write.rows) {
    ++report_.unknown_applied;
  } else {
    ++report_.unknown_torn;
    report_.Add(absl::StrCat(names_.table, ": ",
                             names_.operation(write.first_id),
                             ", whose connection was lost: ", found, " of ",
                             write.rows, " rows are there"));
  }
}

void TableCheck::CountWrites() {
  size_t lost = 0;
  size_t refused = 0;
  for (const Write& write : writes_) {
    const size_t bit = BitOf(write, write.first_id);
    int64_t found = 0;
    int64_t first_lost = -1;
    for (int64_t i = 0; i < write.rows; ++i) {
      if (seen_[bit + static_cast<size_t>(i)]) {
        ++found;
      } else if (first_lost < 0) {
        first_lost = write.first_id + i;
      }
    }
    const int64_t missing = write.rows - found;
    if (write.outcome == Outcome::kUnknown) {
      CountUnknown(write, found);
    } else if (write.outcome != Outcome::kDone) {
      report_.refused_rows += found;
      if (found == 0) continue;
      Name(&refused, absl::StrCat(names_.operation(write.first_id), " ",
                                  OutcomeName(write.outcome), ", but ", found,
                                  " of its rows are there"));
    } else {
      const bool initial = IsInitial(write.first_id);
      (initial ? report_.lost_initial_rows : report_.lost_rows) += missing;
      if (missing == 0) continue;
      Name(&lost, absl::StrCat(initial ? std::string("the start")
                                       : names_.operation(write.first_id),
                               ": ", missing, " of ", write.rows,
                               initial ? " initial" : " acknowledged",
                               " rows are lost, first row ", first_lost));
    }
  }
}

void TableCheck::Finish() {
  report_.checked_rows += found_;
  if (found_ == 0) report_.Add(absl::StrCat(names_.table, " has no rows"));
  if (!wrong_.empty()) FindOrigins();
  CountWrong();
  CountWrites();
}

}  // namespace opsbench::stress
