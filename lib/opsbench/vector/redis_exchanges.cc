#include "opsbench/vector/redis_exchanges.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/vector/wire_test_data.h"

namespace opsbench::vector {
namespace {

using Kind = ExchangeStep::Kind;

std::string Resp(const std::vector<std::string>& command) {
  const std::vector<absl::string_view> words(command.begin(), command.end());
  std::string out;
  AppendRespCommand(words, &out);
  return out;
}

// The length of the first value in `bytes`; 0: they end before it does.
absl::StatusOr<size_t> FirstValue(absl::string_view bytes) {
  RedisReplyReader reader;
  for (size_t size = 1; size <= bytes.size(); ++size) {
    reader.Feed(bytes.substr(size - 1, 1));
    OPSBENCH_ASSIGN_OR_RETURN(const RedisReplyPtr value, reader.Next());
    if (value != nullptr) return size;
  }
  return 0;
}

ExchangeStep Step(Kind kind, std::string request) {
  ExchangeStep step;
  step.kind = kind;
  step.request = std::move(request);
  return step;
}

}  // namespace

absl::StatusOr<std::vector<Exchange>> ReadExchanges(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("no file ", path));
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<Exchange> exchanges;
  absl::string_view rest = bytes;
  while (!rest.empty()) {
    std::string parts[2];
    for (std::string& part : parts) {
      OPSBENCH_ASSIGN_OR_RETURN(const size_t size, FirstValue(rest));
      if (size == 0) {
        return absl::InvalidArgumentError(
            absl::StrCat(path, " ends within exchange ", exchanges.size() + 1));
      }
      part = std::string(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    exchanges.push_back({std::move(parts[0]), std::move(parts[1])});
  }
  return exchanges;
}

absl::StatusOr<RedisReplyPtr> ParseReply(absl::string_view bytes) {
  RedisReplyReader reader;
  reader.Feed(bytes);
  OPSBENCH_ASSIGN_OR_RETURN(RedisReplyPtr reply, reader.Next());
  if (reply == nullptr) return absl::InvalidArgumentError("a reply is cut off");
  return reply;
}

std::vector<ExchangeStep> GreetingScript(bool with_modules) {
  std::vector<ExchangeStep> steps = {
      Step(Kind::kGreeting, Resp({"SELECT", "0"})),
      Step(Kind::kGreeting, Resp({"INFO", "server"})),
      Step(Kind::kGreeting, Resp({"COMMAND", "INFO", "FT.CREATE", "FT.SEARCH",
                                  "VADD", "VSIM"}))};
  if (with_modules) {
    steps.push_back(Step(Kind::kGreeting, Resp({"MODULE", "LIST"})));
  }
  return steps;
}

std::vector<ExchangeStep> IndexScript(const RedisIndex& index,
                                      const RedisIndex& ids,
                                      const Dataset& data) {
  std::vector<ExchangeStep> steps;
  const std::string count = Resp(index.CountCommand());
  steps.push_back(Step(Kind::kNoCount, count));
  const auto create = index.CreateCommand(data, BuildOptions());
  if (!create.empty()) steps.push_back(Step(Kind::kDone, Resp(create)));
  for (size_t row = 0; row < data.base().rows; ++row) {
    steps.push_back(Step(Kind::kInserted, ""));
    index.AppendInsert(data, row, &steps.back().request);
  }
  steps.push_back(Step(Kind::kCount, count));
  steps.back().count = static_cast<int64_t>(data.base().rows);
  for (const size_t row : {size_t{0}, data.base().rows - 1}) {
    steps.push_back(Step(Kind::kRow, Resp(index.ReadCommand(row))));
    steps.back().row = row;
  }

  for (const Filter& filter : WireFilters()) {
    for (size_t query = 0; query < data.queries().rows; ++query) {
      SearchRequest request;
      request.query = data.queries().row(query);
      request.ef = query == 0 ? 0 : 100;
      request.filter = filter;
      steps.push_back(Step(Kind::kSearch, ""));
      steps.back().query = query;
      steps.back().filter = filter;
      index.AppendSearch(request, &steps.back().request);

      steps.push_back(Step(Kind::kSearchIds, ""));
      steps.back().query = query;
      steps.back().filter = filter;
      ids.AppendSearch(request, &steps.back().request);
    }
  }
  SearchRequest short_query;
  short_query.query = data.queries().row(0).subspan(1);
  steps.push_back(Step(Kind::kBadSearch, ""));
  index.AppendSearch(short_query, &steps.back().request);

  steps.push_back(
      Step(Kind::kRemoved, create.empty() ? Resp({"UNLINK", index.KeyOf(0)})
                                          : Resp({"FT.DROPINDEX", create[1]})));
  steps.push_back(Step(Kind::kNoCount, count));
  return steps;
}

absl::StatusOr<std::unique_ptr<RawRedisClient>> RawRedisClient::Connect(
    const Url& url) {
  const int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::unique_ptr<RawRedisClient> client(new RawRedisClient(number));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(url.EffectivePort()));
  const std::string host = url.host.empty() ? "127.0.0.1" : url.host;
  if (number < 0 || inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1 ||
      connect(number, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot connect to ", url.Redacted(), ", whose host has ",
                     "to be an address: ", strerror(errno)));
  }
  if (url.password.empty()) return client;
  std::vector<std::string> auth = {"AUTH", url.password};
  if (!url.user.empty()) auth.insert(auth.begin() + 1, url.user);
  OPSBENCH_RETURN_IF_ERROR(client->Send(Resp(auth)));
  OPSBENCH_ASSIGN_OR_RETURN(const RedisReplyPtr reply, client->Read());
  if (RedisReplyView(*reply).type() == RedisReply::Type::kError) {
    return RedisErrorStatus(RedisReplyView(*reply).text());
  }
  return client;
}

RawRedisClient::~RawRedisClient() { close(socket_); }

absl::Status RawRedisClient::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size =
        send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return absl::UnavailableError(strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return absl::OkStatus();
}

absl::StatusOr<RedisReplyPtr> RawRedisClient::Read(std::string* raw) {
  while (true) {
    OPSBENCH_ASSIGN_OR_RETURN(RedisReplyPtr reply, reader_.Next());
    if (reply != nullptr) return reply;
    char buffer[16384];
    const ssize_t size = recv(socket_, buffer, sizeof(buffer), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return absl::UnavailableError("the connection was lost");
    const absl::string_view bytes(buffer, static_cast<size_t>(size));
    reader_.Feed(bytes);
    if (raw != nullptr) raw->append(bytes.data(), bytes.size());
  }
}

}  // namespace opsbench::vector
