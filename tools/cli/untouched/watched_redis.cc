#include "untouched/watched_redis.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "opsbench/db/redis.h"

namespace opsbench {
namespace {

// Of the many keys of a load, the first ones of each command stand for all.
constexpr size_t kMaxNames = 12;

// The server's own log of slow commands, made to hold all of them.
class WatchedRedis final : public WatchedServer {
 public:
  explicit WatchedRedis(std::unique_ptr<PrivateServer> server)
      : server_(std::move(server)) {
    url_ = *Url::Parse(server_->url());
    auto session = ConnectRedis(url_);
    EXPECT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
    Run({"CONFIG", "SET", "slowlog-max-len", "1000000"});
  }

  void Reset() override { Run({"FLUSHALL"}); }

  void Forget() override {
    Run({"CONFIG", "SET", "slowlog-log-slower-than", "0"});
    Run({"SLOWLOG", "RESET"});
  }

  std::set<TouchedName> Touched() override {
    const RedisReply log = Run({"SLOWLOG", "GET", "-1"});
    Run({"CONFIG", "SET", "slowlog-log-slower-than", "-1"});
    std::map<std::string, std::set<std::string>> by_command;
    for (const RedisReply& entry : log.elements) {
      const auto& words = entry.elements[3].elements;
      if (words.size() < 2) continue;
      const std::string& command = words[0].text;
      for (const char* other :
           {"CONFIG", "SLOWLOG", "INFO", "AUTH", "HELLO", "CLIENT", "SELECT",
            "COMMAND", "MODULE", "SCAN", "PING", "ECHO"}) {
        if (absl::EqualsIgnoreCase(command, other)) goto next;
      }
      by_command[command].insert(absl::StartsWithIgnoreCase(command, "EVAL") &&
                                         words.size() > 3
                                     ? words[3].text
                                     : words[1].text);
    next:;
    }
    std::set<TouchedName> names;
    for (const auto& [command, keys] : by_command) {
      size_t left = kMaxNames;
      for (const std::string& key : keys) {
        if (left-- == 0) break;
        names.insert({Plant::kText, key});
      }
    }
    return names;
  }

  std::vector<Plant> PlantsFor(const TouchedName& /*touched*/) const override {
    return {Plant::kText, Plant::kHash};
  }

  void MakeForeign(const std::string& name, Plant plant) override {
    if (plant == Plant::kText) {
      Run({"SET", name, "my ledger", "EX", "86400"});
    } else {
      Run({"HSET", name, "mine", "precious"});
    }
  }

  bool TakeMarksOff() override { return false; }

  Fingerprint Look() override {
    Fingerprint things;
    for (const RedisReply& key : Run({"KEYS", "*"}).elements) {
      things[key.text] = absl::StrCat(Run({"TYPE", key.text}).text, "|",
                                      Run({"DUMP", key.text}).text, "|",
                                      Run({"EXPIRETIME", key.text}).integer);
    }
    return things;
  }

 private:
  RedisReply Run(const std::vector<std::string>& words) {
    const std::vector<absl::string_view> command(words.begin(), words.end());
    auto reply = session_->Execute(command);
    EXPECT_TRUE(reply.ok()) << reply.status() << ": " << words[0];
    return reply.ok() ? *std::move(reply) : RedisReply();
  }

  const std::unique_ptr<PrivateServer> server_;
  std::unique_ptr<RedisSession> session_;
};

}  // namespace

std::unique_ptr<WatchedServer> StartWatchedRedis(
    std::unique_ptr<PrivateServer> server) {
  return std::make_unique<WatchedRedis>(std::move(server));
}

}  // namespace opsbench
