#include "opsbench/testing/statement_proxy.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace opsbench {
namespace {

constexpr size_t kBufferBytes = 64 << 10;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int ConnectTo(const Url& url) {
  if (url.socket.empty()) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(url.EffectivePort());
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) == 0) {
      return fd;
    }
    close(fd);
    return -1;
  }
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, url.socket.c_str(),
               sizeof(address.sun_path) - 1);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

bool SendAll(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<StatementProxy>> StatementProxy::Start(
    const Url& server) {
  std::unique_ptr<StatementProxy> proxy(new StatementProxy(server));
  proxy->listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  if (bind(proxy->listener_, reinterpret_cast<sockaddr*>(&address), size) !=
          0 ||
      listen(proxy->listener_, 16) != 0 ||
      getsockname(proxy->listener_, reinterpret_cast<sockaddr*>(&address),
                  &size) != 0) {
    return absl::UnavailableError(
        absl::StrCat("no port for a proxy: ", strerror(errno)));
  }
  proxy->port_ = ntohs(address.sin_port);
  StatementProxy* const raw = proxy.get();
  proxy->acceptor_ = std::thread([raw] { raw->Accept(); });
  return proxy;
}

StatementProxy::~StatementProxy() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
    for (const Connection& connection : connections_) {
      shutdown(connection.client, SHUT_RDWR);
      shutdown(connection.server, SHUT_RDWR);
    }
  }
  changed_.notify_all();
  // Ends accept().
  shutdown(listener_, SHUT_RDWR);
  if (acceptor_.joinable()) acceptor_.join();
  for (Connection& connection : connections_) {
    connection.thread.join();
    close(connection.client);
    close(connection.server);
  }
  if (listener_ >= 0) close(listener_);
}

Url StatementProxy::url() const {
  Url url = server_;
  url.host = "127.0.0.1";
  url.port = port_;
  url.socket.clear();
  return url;
}

void StatementProxy::HoldAt(const std::string& statement, Where where) {
  const std::lock_guard<std::mutex> lock(mutex_);
  statement_ = statement;
  where_ = where;
  resumed_ = cut_ = false;
  armed_ = true;
}

void StatementProxy::Release() { Resume(false); }
void StatementProxy::Cut() { Resume(true); }

void StatementProxy::Resume(bool cut) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    resumed_ = true;
    cut_ = cut;
  }
  changed_.notify_all();
}

StatementProxy::Stop StatementProxy::Match(const char* bytes, size_t size) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!armed_ || std::string_view(bytes, size).find(statement_) ==
                     std::string_view::npos) {
    return Stop::kNone;
  }
  armed_ = false;
  return where_ == Where::kRequest ? Stop::kRequest : Stop::kReply;
}

bool StatementProxy::Hold() {
  std::unique_lock<std::mutex> lock(mutex_);
  held_ = true;
  changed_.wait(lock, [&] { return resumed_ || ending_; });
  held_ = false;
  return !cut_ && !ending_;
}

void StatementProxy::Accept() {
  while (true) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = ConnectTo(server_);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ending_ || server < 0) {
      close(client);
      if (server >= 0) close(server);
      if (ending_) return;
      continue;
    }
    Connection& connection = connections_.emplace_back();
    connection.client = client;
    connection.server = server;
    connection.thread = std::thread([this, &connection] { Pump(&connection); });
  }
}

void StatementProxy::Pump(Connection* connection) {
  const int client = connection->client;
  const int server = connection->server;
  std::string buffer(kBufferBytes, '\0');
  bool client_open = true;
  bool hold_reply = false;
  while (true) {
    // While a reply is to be held, what the client does is of no interest.
    const bool listens = client_open && !hold_reply;
    pollfd ends[] = {{listens ? client : -1, POLLIN, 0}, {server, POLLIN, 0}};
    if (poll(ends, 2, -1) < 0 && errno != EINTR) break;
    if (ends[0].revents != 0) {
      const ssize_t size = recv(client, buffer.data(), buffer.size(), 0);
      if (size <= 0) {
        client_open = false;
        shutdown(server, SHUT_WR);
      } else {
        const Stop stop = Match(buffer.data(), static_cast<size_t>(size));
        if (stop == Stop::kRequest && !Hold()) break;
        hold_reply = stop == Stop::kReply;
        if (!SendAll(server, buffer.data(), static_cast<size_t>(size))) break;
      }
    }
    if (ends[1].revents != 0) {
      const ssize_t size = recv(server, buffer.data(), buffer.size(), 0);
      if (size <= 0) break;
      if (hold_reply && !Hold()) break;
      hold_reply = false;
      // A client that is dead has no use for it; the server may have.
      SendAll(client, buffer.data(), static_cast<size_t>(size));
    }
  }
  shutdown(client, SHUT_RDWR);
  shutdown(server, SHUT_RDWR);
}

}  // namespace opsbench
