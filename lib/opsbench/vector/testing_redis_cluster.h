#ifndef OPSBENCH_VECTOR_TESTING_REDIS_CLUSTER_H_
#define OPSBENCH_VECTOR_TESTING_REDIS_CLUSTER_H_

// Private Redis masters that are one cluster, for tests.
//
// Thread safety: for one thread; MoveSlot() may run while others put load on
// the cluster.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/url.h"
#include "opsbench/server/private_server.h"

namespace opsbench::vector {

class TestingRedisCluster {
 public:
  static constexpr int kSlots = 16384;

  // All slots given out evenly, and every node says that all is well.
  static absl::StatusOr<std::unique_ptr<TestingRedisCluster>> Start(
      int masters) {
    auto cluster =
        std::unique_ptr<TestingRedisCluster>(new TestingRedisCluster);
    for (int i = 0; i < masters; ++i) {
      OPSBENCH_RETURN_IF_ERROR(cluster->StartMaster());
    }
    for (int i = 0; i < masters; ++i) {
      const int first = kSlots * i / masters;
      const int last = kSlots * (i + 1) / masters - 1;
      OPSBENCH_RETURN_IF_ERROR(
          cluster
              ->Execute(i, {"CLUSTER", "ADDSLOTSRANGE", absl::StrCat(first),
                            absl::StrCat(last)})
              .status());
      OPSBENCH_RETURN_IF_ERROR(
          cluster
              ->Execute(0, {"CLUSTER", "MEET", "127.0.0.1",
                            absl::StrCat(cluster->masters_[i]->port()),
                            absl::StrCat(cluster->bus_ports_[i])})
              .status());
    }
    OPSBENCH_RETURN_IF_ERROR(
        cluster->WaitUntilAll(absl::StrCat("cluster_size:", masters)));
    return cluster;
  }

  // Over TCP, with the password.
  const Url& url(int master) const { return urls_[master]; }
  PrivateServer& server(int master) { return *masters_[master]; }

  absl::StatusOr<RedisReply> Execute(int master,
                                     const std::vector<std::string>& command) {
    return sessions_[master]->Execute(
        std::vector<absl::string_view>(command.begin(), command.end()));
  }

  // One more, without slots, whom all know.
  absl::Status AddMaster() {
    OPSBENCH_RETURN_IF_ERROR(StartMaster());
    const size_t last = masters_.size() - 1;
    OPSBENCH_RETURN_IF_ERROR(Execute(0, {"CLUSTER", "MEET", "127.0.0.1",
                                         absl::StrCat(masters_[last]->port()),
                                         absl::StrCat(bus_ports_[last])})
                                 .status());
    return WaitUntilAll(absl::StrCat("cluster_known_nodes:", masters_.size()));
  }

  // As resharding does it: importing, migrating, the keys, the new owner. So
  // many keys at a time, with a pause after each time.
  absl::Status MoveSlot(int slot, int from, int to, int at_once = 20,
                        absl::Duration pause = absl::ZeroDuration()) {
    const std::string number = absl::StrCat(slot);
    OPSBENCH_RETURN_IF_ERROR(
        Execute(to, {"CLUSTER", "SETSLOT", number, "IMPORTING", ids_[from]})
            .status());
    OPSBENCH_RETURN_IF_ERROR(
        Execute(from, {"CLUSTER", "SETSLOT", number, "MIGRATING", ids_[to]})
            .status());
    while (true) {
      OPSBENCH_ASSIGN_OR_RETURN(const RedisReply keys,
                                Execute(from, {"CLUSTER", "GETKEYSINSLOT",
                                               number, absl::StrCat(at_once)}));
      if (keys.elements.empty()) break;
      std::vector<std::string> migrate = {
          "MIGRATE", "127.0.0.1", absl::StrCat(masters_[to]->port()),
          "",        "0",         "5000",
          "AUTH",    kPassword,   "KEYS"};
      for (const RedisReply& key : keys.elements) migrate.push_back(key.text);
      OPSBENCH_RETURN_IF_ERROR(Execute(from, migrate).status());
      absl::SleepFor(pause);  // Long enough to be met by some requests.
    }
    for (const int master : {to, from}) {
      OPSBENCH_RETURN_IF_ERROR(
          Execute(master, {"CLUSTER", "SETSLOT", number, "NODE", ids_[to]})
              .status());
    }
    return absl::OkStatus();
  }

 private:
  static constexpr char kPassword[] = "cluster";

  TestingRedisCluster() = default;

  static int FreePort() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const bool bound =
        bind(fd, generic, size) == 0 && getsockname(fd, generic, &size) == 0;
    close(fd);
    return bound ? ntohs(address.sin_port) : 0;
  }

  absl::Status StartMaster() {
    ServerOptions options;
    options.kind = ServerKind::kRedis;
    const int bus_port = FreePort();
    options.settings = {{"cluster-enabled", "yes"},
                        {"cluster-port", absl::StrCat(bus_port)},
                        {"cluster-node-timeout", "2000"}};
    OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<PrivateServer> server,
                              PrivateServer::Start(options));
    OPSBENCH_ASSIGN_OR_RETURN(Url url, Url::Parse(server->url()));
    url.database.clear();
    OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<RedisSession> session,
                              ConnectRedis(url));
    // One password for all, so that they may migrate keys.
    OPSBENCH_RETURN_IF_ERROR(
        session->Execute({"CONFIG", "SET", "requirepass", kPassword}).status());
    url.password = kPassword;
    OPSBENCH_ASSIGN_OR_RETURN(const RedisReply id,
                              session->Execute({"CLUSTER", "MYID"}));
    masters_.push_back(std::move(server));
    sessions_.push_back(std::move(session));
    urls_.push_back(std::move(url));
    ids_.push_back(id.text);
    bus_ports_.push_back(bus_port);
    return absl::OkStatus();
  }

  // Until every master says so, and that all is well.
  absl::Status WaitUntilAll(const std::string& said) {
    const absl::Time end = absl::Now() + absl::Seconds(30);
    for (size_t i = 0; i < masters_.size();) {
      OPSBENCH_ASSIGN_OR_RETURN(
          const RedisReply info,
          Execute(static_cast<int>(i), {"CLUSTER", "INFO"}));
      if (absl::StrContains(info.text, "cluster_state:ok") &&
          absl::StrContains(info.text, "cluster_slots_assigned:16384") &&
          absl::StrContains(info.text, said)) {
        ++i;
      } else if (absl::Now() > end) {
        return absl::DeadlineExceededError(
            absl::StrCat("no cluster within 30 s: ", info.text));
      } else {
        absl::SleepFor(absl::Milliseconds(10));
      }
    }
    return absl::OkStatus();
  }

  std::vector<std::unique_ptr<PrivateServer>> masters_;
  std::vector<std::unique_ptr<RedisSession>> sessions_;
  std::vector<Url> urls_;
  std::vector<std::string> ids_;
  std::vector<int> bus_ports_;
};

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_TESTING_REDIS_CLUSTER_H_
