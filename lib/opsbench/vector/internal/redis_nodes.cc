#include "opsbench/vector/internal/redis_nodes.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/redis_index.h"

namespace opsbench::vector::internal {
namespace {

// Keys that a server looks at in one step of a scan.
constexpr char kScanCount[] = "1000";

// How often a key whose slot moves is asked for, and how long between.
constexpr int kRedirects = 100;
constexpr absl::Duration kRedirectPause = absl::Milliseconds(20);

absl::StatusOr<RedisReply> OrError(const std::vector<std::string>& command,
                                   absl::StatusOr<RedisReply> reply) {
  if (!reply.ok() || reply->type != RedisReply::Type::kError) return reply;
  const absl::Status status = RedisErrorStatus(reply->text);
  return absl::Status(status.code(),
                      absl::StrCat(command[0], ": ", status.message()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisNodes>> RedisNodes::Connect(
    const Url& url) {
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, ConnectRedis(url));
  OPSBENCH_ASSIGN_OR_RETURN(SlotMap slots, SlotMap::Read(url, *session));
  std::unique_ptr<RedisNodes> nodes(new RedisNodes(url, std::move(slots)));
  OPSBENCH_RETURN_IF_ERROR(nodes->ConnectAll());
  return nodes;
}

absl::Status RedisNodes::ConnectAll() {
  while (sessions_.size() < slots_.nodes().size()) {
    OPSBENCH_ASSIGN_OR_RETURN(auto session,
                              ConnectRedis(slots_.nodes()[sessions_.size()]));
    sessions_.push_back(std::move(session));
  }
  return absl::OkStatus();
}

absl::StatusOr<RedisReply> RedisNodes::Ask(
    size_t node, const std::vector<std::string>& command) {
  RedisSession& session = *sessions_[node];
  session.Append(
      std::vector<absl::string_view>(command.begin(), command.end()));
  std::vector<RedisReply> replies;
  const absl::Status status = session.Flush(&replies);
  if (replies.size() != 1) return status;
  return std::move(replies[0]);
}

absl::StatusOr<RedisReply> RedisNodes::AskForKey(
    absl::string_view key, const std::vector<std::string>& command) {
  if (!slots_.is_cluster()) return Ask(0, command);
  for (int attempt = 0;; ++attempt) {
    const int owner = slots_.Owner(ClusterSlot(key));
    if (owner == SlotMap::kNoNode) {
      return absl::FailedPreconditionError(
          absl::StrCat("no node of the cluster has the slot of ", key,
                       ": give it out first (redis-cli --cluster fix)"));
    }
    OPSBENCH_ASSIGN_OR_RETURN(RedisReply reply,
                              Ask(static_cast<size_t>(owner), command));
    // While a slot moves, either node may have the key.
    const bool elsewhere = reply.type == RedisReply::Type::kError &&
                           (absl::StartsWith(reply.text, "MOVED ") ||
                            absl::StartsWith(reply.text, "ASK ") ||
                            absl::StartsWith(reply.text, "TRYAGAIN"));
    if (!elsewhere || attempt == kRedirects) return reply;
    absl::SleepFor(kRedirectPause);
    OPSBENCH_ASSIGN_OR_RETURN(
        const SlotMap newer,
        SlotMap::Read(url_, *sessions_[static_cast<size_t>(owner)]));
    slots_.Update(newer);
    OPSBENCH_RETURN_IF_ERROR(ConnectAll());
  }
}

absl::StatusOr<RedisReply> RedisNodes::Execute(
    size_t node, const std::vector<std::string>& command) {
  return OrError(command, Ask(node, command));
}

absl::StatusOr<RedisReply> RedisNodes::ExecuteForKey(
    absl::string_view key, const std::vector<std::string>& command) {
  return OrError(command, AskForKey(key, command));
}

absl::Status RedisNodes::Scan(absl::string_view pattern, const Visit& visit) {
  for (size_t node = 0; node < size(); ++node) {
    std::string cursor = "0";
    do {
      OPSBENCH_ASSIGN_OR_RETURN(
          const RedisReply page,
          Execute(node, {"SCAN", cursor, "MATCH", std::string(pattern), "COUNT",
                         kScanCount}));
      if (page.elements.size() != 2) {
        return absl::InternalError(
            "Redis: the reply to SCAN is no cursor and keys");
      }
      cursor = page.elements[0].text;
      std::vector<std::string> keys;
      for (const RedisReply& key : page.elements[1].elements) {
        keys.push_back(key.text);
      }
      if (!keys.empty()) OPSBENCH_RETURN_IF_ERROR(visit(node, keys));
    } while (cursor != "0");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> RedisNodes::TypesOf(
    size_t node, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) sessions_[node]->Append({"TYPE", key});
  std::vector<RedisReply> replies;
  const absl::Status status = sessions_[node]->Flush(&replies);
  if (replies.size() != keys.size()) return status;
  std::vector<std::string> types;
  for (size_t i = 0; i < keys.size(); ++i) {
    // Its slot may be moving.
    if (replies[i].type == RedisReply::Type::kError) {
      OPSBENCH_ASSIGN_OR_RETURN(replies[i],
                                ExecuteForKey(keys[i], {"TYPE", keys[i]}));
    }
    types.push_back(replies[i].text);
  }
  return types;
}

}  // namespace opsbench::vector::internal
