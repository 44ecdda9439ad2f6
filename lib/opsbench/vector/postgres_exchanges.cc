#include "opsbench/vector/postgres_exchanges.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/pgvector_backend.h"
#include "opsbench/vector/wire_test_data.h"

namespace opsbench::vector {
namespace {

// The codes that stand in place of a version when a client asks for
// encryption first.
constexpr uint32_t kSslRequest = 80877103;
constexpr uint32_t kGssRequest = 80877104;

// Messages after which the other side has its turn: a query, the end of a
// group of messages, the end of a COPY; of the server, that it is ready, or
// ready for a COPY.
constexpr absl::string_view kLastOfRequest = "QSc";
constexpr absl::string_view kLastOfReply = "ZG";
constexpr char kTerminate = 'X';

uint32_t BigEndian(absl::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

std::string Length(size_t size) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(size >> shift));
  }
  return bytes;
}

bool ReadBytes(int socket, size_t size, std::string* out) {
  const size_t before = out->size();
  out->resize(before + size);
  return size == 0 || recv(socket, out->data() + before, size, MSG_WAITALL) ==
                          static_cast<ssize_t>(size);
}

bool WriteBytes(int socket, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

// Appends a message and returns its type; 0: the end.
char ReadMessage(int socket, std::string* out) {
  const size_t start = out->size();
  if (!ReadBytes(socket, 5, out)) return 0;
  const uint32_t size = BigEndian(absl::string_view(*out).substr(start + 1));
  if (size < 4 || !ReadBytes(socket, size - 4, out)) return 0;
  return (*out)[start];
}

// Messages up to one of the types in `last`; empty: the end.
std::string ReadTurn(int socket, absl::string_view last) {
  std::string turn;
  while (true) {
    const char type = ReadMessage(socket, &turn);
    if (type == 0 || type == kTerminate) return "";
    if (last.find(type) != last.npos) return turn;
  }
}

// The start-up message, which has no type; empty: the end.
std::string ReadStartup(int socket) {
  while (true) {
    std::string message;
    if (!ReadBytes(socket, 8, &message)) return "";
    const uint32_t size = BigEndian(message);
    const uint32_t code = BigEndian(absl::string_view(message).substr(4));
    if (code == kSslRequest || code == kGssRequest) {
      if (!WriteBytes(socket, "N")) return "";
      continue;
    }
    if (size < 8 || !ReadBytes(socket, size - 8, &message)) return "";
    return message;
  }
}

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

}  // namespace

absl::StatusOr<PostgresRecording> ReadPostgresRecording(
    const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("no file ", path));
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  PostgresRecording recording;
  absl::string_view rest = bytes;
  while (!rest.empty()) {
    const char mark = rest[0];
    rest.remove_prefix(1);
    if (mark == 'N') {
      recording.emplace_back();
      continue;
    }
    const size_t size = BigEndian(rest);
    const bool request = mark == 'F';
    if (rest.size() < 4 || size > rest.size() - 4 || recording.empty() ||
        (!request && (mark != 'B' || recording.back().empty()))) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": no recording at byte ", bytes.size() - rest.size() - 1));
    }
    std::string content(rest.substr(4, size));
    rest.remove_prefix(4 + size);
    if (request) {
      recording.back().push_back({std::move(content), ""});
    } else {
      recording.back().back().reply = std::move(content);
    }
  }
  return recording;
}

absl::Status WritePostgresRecording(const PostgresRecording& recording,
                                    const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  for (const auto& connection : recording) {
    file << 'N';
    for (const PostgresExchange& exchange : connection) {
      file << 'F' << Length(exchange.request.size()) << exchange.request;
      file << 'B' << Length(exchange.reply.size()) << exchange.reply;
    }
  }
  file.close();
  if (!file) return absl::InternalError(absl::StrCat("cannot write ", path));
  return absl::OkStatus();
}

PostgresStandIn::PostgresStandIn(Answer answer)
    : answer_(std::move(answer)),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  // A port of 0 in the URL, at which nothing answers, tells a failure.
  if (bind(listener_, generic, size) == 0 && listen(listener_, 8) == 0) {
    getsockname(listener_, generic, &size);
  }
  url_.engine = Engine::kPostgres;
  url_.host = "127.0.0.1";
  url_.port = ntohs(address.sin_port);
  url_.user = "recorded";
  url_.database = "recorded";
  acceptor_ = std::thread([this] { Accept(); });
}

PostgresStandIn::~PostgresStandIn() {
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  close(listener_);
}

void PostgresStandIn::Accept() {
  for (size_t connection = 0;; ++connection) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    threads_.emplace_back(
        [this, connection, client] { Serve(connection, client); });
  }
}

void PostgresStandIn::Serve(size_t connection, int client) {
  std::string request = ReadStartup(client);
  while (!request.empty()) {
    const std::string reply = answer_(connection, request);
    if (reply.empty() || !WriteBytes(client, reply)) break;
    request = ReadTurn(client, kLastOfRequest);
  }
  close(client);
}

PostgresUpstream::PostgresUpstream(const Url& url)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in address = Loopback(url.EffectivePort());
  // If it fails, so does what is asked.
  (void)connect(socket_, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address));
}

PostgresUpstream::~PostgresUpstream() { close(socket_); }

std::string PostgresUpstream::Ask(const std::string& request) {
  if (!WriteBytes(socket_, request)) return "";
  return ReadTurn(socket_, kLastOfReply);
}

absl::Status RunPgvectorScript(const Url& url, Metric metric) {
  const auto data = RecordedData(metric);
  PgvectorOptions options;
  options.table = "recorded";
  OPSBENCH_ASSIGN_OR_RETURN(const auto backend,
                            PgvectorBackend::Open(url, options));
  using Kind = IndexState::Kind;
  const auto expect = [&](const BuildOptions& build, Kind kind) {
    OPSBENCH_ASSIGN_OR_RETURN(const IndexState state,
                              backend->Find(*data, build));
    if (state.kind == kind) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("not the state that is right: ", state.what));
  };
  OPSBENCH_RETURN_IF_ERROR(expect({}, Kind::kAbsent));
  OPSBENCH_RETURN_IF_ERROR(backend->Build(*data, BuildOptions()));
  OPSBENCH_RETURN_IF_ERROR(expect({}, Kind::kUnfinished));
  OPSBENCH_RETURN_IF_ERROR(backend->Verify(*data));
  BuildOptions other;
  other.m = 8;
  OPSBENCH_RETURN_IF_ERROR(expect(other, Kind::kOther));
  OPSBENCH_RETURN_IF_ERROR(expect({}, Kind::kCurrent));
  if (backend->MemoryBytes() <= 0) {
    return absl::InternalError("the index takes no memory");
  }
  OPSBENCH_ASSIGN_OR_RETURN(const auto searcher, backend->Connect());
  for (const Filter& filter : WireFilters()) {
    for (size_t query = 0; query < data->queries().rows; ++query) {
      SearchRequest request;
      request.query = data->queries().row(query);
      request.ef = query == 0 ? 0 : 100;
      request.filter = filter;
      std::vector<Neighbor> found;
      OPSBENCH_RETURN_IF_ERROR(searcher->Search(request, &found));
      const auto right = RightNeighbors(*data, query, 10, filter);
      bool same = found.size() == right.size();
      for (size_t i = 0; same && i < right.size(); ++i) {
        same = found[i].id == right[i].id &&
               std::abs(found[i].distance - right[i].distance) <
                   1e-4 * (1 + std::abs(right[i].distance));
      }
      if (!same) {
        return absl::InternalError(
            absl::StrCat("query ", query, ": other neighbours than are right"));
      }
    }
  }
  return backend->Remove(false);
}

absl::Status RunPgvectorForeignScript(const Url& url) {
  const auto data = RecordedData(Metric::kL2);
  PgvectorOptions options;
  options.table = "recorded";
  OPSBENCH_ASSIGN_OR_RETURN(const auto backend,
                            PgvectorBackend::Open(url, options));
  OPSBENCH_ASSIGN_OR_RETURN(const IndexState state,
                            backend->Find(*data, BuildOptions()));
  if (state.kind != IndexState::Kind::kForeign) {
    return absl::InternalError("what opsbench did not make was not found");
  }
  const absl::Status removed = backend->Remove(false);
  const absl::Status built = backend->Build(*data, BuildOptions());
  if (absl::IsFailedPrecondition(removed) && !built.ok()) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("not refused: ", removed.ToString(),
                                          ", ", built.ToString()));
}

}  // namespace opsbench::vector
