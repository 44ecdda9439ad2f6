#include "opsbench/vector/internal/slot_map.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::vector::internal {
namespace {

constexpr size_t kMostNodes = 10'000;

absl::Status Malformed() {
  return absl::InternalError(
      "Redis: CLUSTER SLOTS answered with what is no list of slots");
}

bool IsSlot(int64_t slot) { return slot >= 0 && slot < SlotMap::kSlots; }

}  // namespace

SlotMap::SlotMap(Url url) : first_(url), nodes_{std::move(url)} {
  owners_.fill(0);
}

absl::StatusOr<SlotMap> SlotMap::Read(const Url& url, RedisSession& session) {
  OPSBENCH_ASSIGN_OR_RETURN(const RedisReply info,
                            session.Execute({"INFO", "cluster"}));
  SlotMap map(url);
  if (!absl::StrContains(info.text, "cluster_enabled:1")) return map;
  map.cluster_ = true;
  map.nodes_.clear();
  map.owners_.fill(kNoNode);
  OPSBENCH_ASSIGN_OR_RETURN(const RedisReply slots,
                            session.Execute({"CLUSTER", "SLOTS"}));
  OPSBENCH_RETURN_IF_ERROR(map.ReadSlots(slots));
  if (map.nodes_.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(url.Redacted(),
                     " is a node of a cluster whose slots are nobody's: "
                     "give them out first (redis-cli --cluster create)"));
  }
  return map;
}

// [[first, last, [host, port, id, …], replicas …], …]
absl::Status SlotMap::ReadSlots(const RedisReply& slots) {
  using Type = RedisReply::Type;
  if (slots.type != Type::kArray) return Malformed();
  for (const RedisReply& range : slots.elements) {
    if (range.elements.size() < 3 || range.elements[2].elements.size() < 2) {
      return Malformed();
    }
    const int64_t first = range.elements[0].integer;
    const int64_t last = range.elements[1].integer;
    const RedisReply& port = range.elements[2].elements[1];
    if (!IsSlot(first) || !IsSlot(last) || port.type != Type::kInteger ||
        port.integer < 1 || port.integer > 65535) {
      return Malformed();
    }
    const int node = NodeAt(range.elements[2].elements[0].text,
                            static_cast<int>(port.integer));
    for (int64_t slot = first; slot <= last; ++slot) {
      SetOwner(static_cast<int>(slot), node);
    }
  }
  return absl::OkStatus();
}

int SlotMap::NodeAt(const std::string& host, int port) {
  Url url = first_;
  url.socket.clear();
  if (!host.empty() && host != "?") url.host = host;
  url.port = port;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].host == url.host && nodes_[i].port == url.port) {
      return static_cast<int>(i);
    }
  }
  if (nodes_.size() >= kMostNodes) return kNoNode;
  nodes_.push_back(std::move(url));
  return static_cast<int>(nodes_.size()) - 1;
}

int SlotMap::NodeAt(absl::string_view address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == absl::string_view::npos ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 ||
      port > 65535) {
    return kNoNode;
  }
  return NodeAt(std::string(address.substr(0, colon)), port);
}

void SlotMap::Update(const SlotMap& newer) {
  for (int slot = 0; slot < kSlots; ++slot) {
    const int owner = newer.Owner(slot);
    if (owner == kNoNode) continue;
    const Url& url = newer.nodes_[static_cast<size_t>(owner)];
    SetOwner(slot, NodeAt(url.host, url.port));
  }
}

bool ParseRedirect(absl::string_view error, Redirect* redirect) {
  const std::vector<absl::string_view> words = absl::StrSplit(error, ' ');
  if (words.size() != 3 || (words[0] != "MOVED" && words[0] != "ASK")) {
    return false;
  }
  redirect->ask = words[0] == "ASK";
  redirect->address = std::string(words[2]);
  return absl::SimpleAtoi(words[1], &redirect->slot) && IsSlot(redirect->slot);
}

}  // namespace opsbench::vector::internal
