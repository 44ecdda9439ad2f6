#include "opsbench/vector/internal/redis_worker.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/vector/redis_index.h"

namespace opsbench::vector::internal {
namespace {

constexpr int kConnectTimeoutMs = 5'000;
// Of a connection that is made again, while others wait for the loop.
constexpr int kMendTimeoutMs = 500;
constexpr int64_t kFirstPauseNs = 1'000'000;
constexpr int64_t kLongestPauseNs = 200'000'000;
constexpr int64_t kRefreshEveryNs = 50'000'000;
// Of a request that the cluster does not take now.
constexpr int64_t kRetryPauseNs = 5'000'000;
constexpr int kMostTries = 1'000;
// How soon a stop is seen.
constexpr int64_t kLongestWaitNs = 50'000'000;
// What is under way then may still be answered.
constexpr int64_t kStopDrainNs = 1'000'000'000;
constexpr int kEvents = 256;
// Longer than a server takes for a small command, shorter than matters to one
// that takes long.
constexpr int64_t kPollNs = 50'000;
constexpr int kMostPollsInVain = 4;
constexpr int kPollsSkipped = 200;
constexpr char kLost[] = "UNAVAILABLE";

absl::string_view FirstWord(absl::string_view text) {
  return text.substr(0, text.find(' '));
}

}  // namespace

RedisWorker::RedisWorker(SlotMap slots, int clients, int pipeline,
                         std::unique_ptr<RedisTraffic> traffic,
                         const RedisLoadOptions& redis,
                         const std::atomic<bool>* stop)
    : slots_(std::move(slots)),
      pipeline_(pipeline),
      traffic_(std::move(traffic)),
      wants_replies_(traffic_->wants_replies()),
      redis_(redis),
      stop_(stop),
      clients_(static_cast<size_t>(clients)) {
  if (!slots_.is_cluster()) traffic_->NoSlots();
}

RedisWorker::~RedisWorker() {
  if (epoll_ >= 0) close(epoll_);
}

// --- Connections ---

absl::Status RedisWorker::Connect() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return absl::ErrnoToStatus(errno, "cannot make an epoll");
  for (size_t client = 0; client < clients_.size(); ++client) {
    for (size_t node = 0; node < slots_.nodes().size(); ++node) {
      OPSBENCH_RETURN_IF_ERROR(
          OpenLink(static_cast<int>(client), static_cast<int>(node)));
    }
  }
  return absl::OkStatus();
}

absl::Status RedisWorker::OpenLink(int client, int node) {
  const Url& url = slots_.nodes()[static_cast<size_t>(node)];
  OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<RedisConnection> connection,
                            RedisConnection::Open(url, kConnectTimeoutMs));
  auto link = std::make_unique<Link>();
  link->connection = std::move(connection);
  link->client = client;
  link->node = node;
  OPSBENCH_RETURN_IF_ERROR(Watch(*link, true));
  std::vector<Link*>& links = clients_[static_cast<size_t>(client)].links;
  links.resize(std::max(links.size(), static_cast<size_t>(node) + 1));
  links[static_cast<size_t>(node)] = link.get();
  links_.push_back(std::move(link));
  return absl::OkStatus();
}

absl::Status RedisWorker::Watch(Link& link, bool add) {
  link.watches_write = link.connection->wants_write();
  epoll_event event = {};
  event.events = EPOLLIN | (link.watches_write ? EPOLLOUT : 0u);
  event.data.ptr = &link;
  if (epoll_ctl(epoll_, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                link.connection->fd(), &event) != 0) {
    return absl::ErrnoToStatus(errno, "cannot watch a connection");
  }
  return absl::OkStatus();
}

void RedisWorker::Break(Link& link, const absl::Status& why, int64_t now_ns) {
  if (link.connection == nullptr) return;
  link.connection = nullptr;  // Which ends the watch.
  link.broken_since_ns = now_ns;
  link.pause_ns = kFirstPauseNs;
  link.retry_at_ns = now_ns + link.pause_ns;
  ++broken_;
  boost::circular_buffer<Link::Expected> expected;
  expected.swap(link.expected);
  for (const Link::Expected& one : expected) {
    if (!one.asking) {
      Finish(one.request, nullptr, why, absl::StatusCodeToString(why.code()),
             now_ns);
    }
  }
}

// Connects again what is due for it.
absl::Status RedisWorker::Mend(int64_t now_ns) {
  bool refused = false;
  absl::Status last;
  for (const std::unique_ptr<Link>& link : links_) {
    if (link->connection != nullptr || link->retry_at_ns > now_ns) continue;
    // Where one was refused, so would be the others of the same server.
    auto connection =
        refused && !slots_.is_cluster()
            ? absl::StatusOr<std::unique_ptr<RedisConnection>>(last)
            : RedisConnection::Open(
                  slots_.nodes()[static_cast<size_t>(link->node)],
                  kMendTimeoutMs);
    if (connection.ok()) {
      link->connection = *std::move(connection);
      --broken_;
      ++result_.reconnects;
      fill_ = true;
      OPSBENCH_RETURN_IF_ERROR(Watch(*link, true));
      continue;
    }
    refused = true;
    last = connection.status();
    // Neither goes away by waiting.
    if (absl::IsUnauthenticated(last) || absl::IsInternal(last)) return last;
    link->pause_ns = std::min(2 * link->pause_ns, kLongestPauseNs);
    link->retry_at_ns = MonotonicNowNs() + link->pause_ns;
  }
  if (!refused) return absl::OkStatus();
  if (slots_.is_cluster()) RefreshSlots();
  // Gone for good is a server of which nothing is left.
  int64_t since_ns = 0;
  for (const std::unique_ptr<Link>& link : links_) {
    if (link->connection != nullptr) return absl::OkStatus();
    since_ns = std::max(since_ns, link->broken_since_ns);
  }
  if (now_ns - since_ns < absl::ToInt64Nanoseconds(redis_.patience)) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat(
      "the server was gone for longer than ",
      absl::FormatDuration(redis_.patience), ": ", last.message()));
}

void RedisWorker::RefreshSlots() {
  const int64_t now_ns = MonotonicNowNs();
  if (now_ns - refreshed_ns_ < kRefreshEveryNs) return;
  refreshed_ns_ = now_ns;
  RedisOptions options;
  options.connect_timeout_ms = options.reply_timeout_ms = kMendTimeoutMs;
  for (const Url& url : std::vector<Url>(slots_.nodes())) {
    const auto session = ConnectRedis(url, options);
    if (!session.ok()) continue;
    const auto newer = SlotMap::Read(url, **session);
    if (!newer.ok() || !newer->is_cluster()) continue;
    slots_.Update(*newer);
    return;
  }
}

RedisWorker::Link* RedisWorker::LinkTo(int client, int node) {
  std::vector<Link*>& links = clients_[static_cast<size_t>(client)].links;
  const auto at = static_cast<size_t>(node);
  if (at < links.size() && links[at] != nullptr) return links[at];
  return OpenLink(client, node).ok() ? links[at] : nullptr;
}

// --- Requests ---

bool RedisWorker::MayIssue(int64_t now_ns) const {
  return begun_ < plan_.count && now_ns < plan_.end_ns && !Stopped();
}

// In a cluster other nodes may have the slot.
bool RedisWorker::CanSend(const Client& client) const {
  if (client.under_way >= pipeline_) return false;
  return slots_.is_cluster() || client.links[0]->connection != nullptr;
}

bool RedisWorker::IssueNext(int client, int64_t due_ns) {
  Client& of = clients_[static_cast<size_t>(client)];
  if (!CanSend(of)) return false;
  Request request;
  request.index = plan_.base + plan_.first + begun_ * plan_.stride;
  request.due_ns = due_ns;
  request.client = client;
  ++begun_;
  ++under_way_;
  ++of.under_way;
  Send(request, due_ns);
  return true;
}

void RedisWorker::IssueDue(int64_t now_ns) {
  const int clients = static_cast<int>(clients_.size());
  if (plan_.rate_per_second == 0) {
    // Otherwise each client goes on where its replies come in.
    if (!std::exchange(fill_, false)) return;
    for (int client = 0; client < clients; ++client) {
      Refill(client, now_ns);
    }
    return;
  }
  int tried = 0;
  while (begun_ < plan_.count && !Stopped() && tried < clients) {
    const int64_t due_ns =
        plan_.start_ns +
        static_cast<int64_t>(
            static_cast<double>(plan_.first + begun_ * plan_.stride) * 1e9 /
            plan_.rate_per_second);
    if (due_ns > now_ns || due_ns >= plan_.end_ns) return;
    // What a warm-up still owes at its end is nobody's loss.
    if (!plan_.measured && now_ns >= plan_.end_ns) return;
    tried = IssueNext(next_client_, due_ns) ? 0 : tried + 1;
    next_client_ = (next_client_ + 1) % clients;
  }
}

// No more than its pipeline: a request may fail at once.
void RedisWorker::Refill(int client, int64_t now_ns) {
  for (int i = 0; i < pipeline_ && MayIssue(now_ns); ++i) {
    if (!IssueNext(client, now_ns)) return;
  }
}

void RedisWorker::Send(const Request& request, int64_t now_ns) {
  if (!slots_.is_cluster()) {
    Link& link = *clients_[static_cast<size_t>(request.client)].links[0];
    traffic_->Append(request.index, &link.connection->out());
    Expect(link, request);
    return;
  }
  command_.clear();
  const int slot = traffic_->Append(request.index, &command_);
  const int node = slot == kAnyNode
                       ? static_cast<int>(static_cast<uint64_t>(request.index) %
                                          slots_.nodes().size())
                       : slots_.Owner(slot);
  Link* link =
      node == SlotMap::kNoNode ? nullptr : LinkTo(request.client, node);
  if (link == nullptr || link->connection == nullptr) {
    RefreshSlots();
    // Nobody waits again for what has been waited for long enough.
    const bool given_up =
        link != nullptr && now_ns - link->broken_since_ns >
                               absl::ToInt64Nanoseconds(redis_.patience);
    if (given_up || !SentAgain("CLUSTERDOWN", request, now_ns)) {
      Finish(request, nullptr,
             absl::UnavailableError("no node of the cluster has the slot"),
             kLost, now_ns);
    }
    return;
  }
  link->connection->out() += command_;
  Expect(*link, request);
}

void RedisWorker::Expect(Link& link, const Request& request, bool asking) {
  if (link.expected.empty()) link.progress_ns = MonotonicNowNs();
  if (link.expected.full()) {
    link.expected.set_capacity(2 * link.expected.size() + 4);
  }
  link.expected.push_back({request, asking});
  if (!link.dirty) {
    link.dirty = true;
    dirty_.push_back(&link);
  }
}

bool RedisWorker::SentAgain(absl::string_view error, Request request,
                            int64_t now_ns) {
  const bool loading = absl::StartsWith(error, "LOADING");
  if ((!slots_.is_cluster() && !loading) || ++request.tries > kMostTries) {
    return false;
  }
  Redirect redirect;
  if (ParseRedirect(error, &redirect)) {
    const int node = slots_.NodeAt(redirect.address);
    if (node == SlotMap::kNoNode) return false;
    ++result_.redirects;
    if (!redirect.ask) slots_.SetOwner(redirect.slot, node);
    Link* link = LinkTo(request.client, node);
    if (link != nullptr && link->connection != nullptr) {
      std::string& out = link->connection->out();
      if (redirect.ask) {
        AppendRespCommand({"ASKING"}, &out);
        Expect(*link, request, true);
      }
      traffic_->Append(request.index, &out);
      Expect(*link, request);
      return true;
    }
  } else if (!loading && !absl::StartsWith(error, "TRYAGAIN") &&
             !absl::StartsWith(error, "CLUSTERDOWN")) {
    return false;
  }
  const int64_t patience_ns = absl::ToInt64Nanoseconds(redis_.patience);
  if (now_ns - request.due_ns > patience_ns) return false;
  retries_.push_back({now_ns + kRetryPauseNs, request});
  return true;
}

void RedisWorker::SendRetries(int64_t now_ns) {
  if (retries_.empty()) return;
  std::vector<Retry> later;
  std::vector<Retry> now;
  for (const Retry& retry : retries_) {
    (retry.at_ns <= now_ns ? now : later).push_back(retry);
  }
  retries_.swap(later);
  for (const Retry& retry : now) Send(retry.request, now_ns);
}

void RedisWorker::Finish(const Request& request, const redisReply* reply,
                         const absl::Status& error, absl::string_view kind,
                         int64_t now_ns) {
  --under_way_;
  --clients_[static_cast<size_t>(request.client)].under_way;
  last_reply_ns_ = now_ns;
  absl::Status status = error;
  if (plan_.measured && status.ok() && reply != nullptr) {
    status = traffic_->OnReply(request.index - plan_.base, *reply);
  }
  if (status.ok()) {
    answered_.store(answered() + 1, std::memory_order_relaxed);
    if (!plan_.measured) return;
    ++result_.requests;
    result_.latency.Record(now_ns - request.due_ns);
    return;
  }
  errors_.store(errors() + 1, std::memory_order_relaxed);
  fill_ = true;
  if (!plan_.measured) return;
  if (result_.errors++ == 0) {
    result_.first_error = std::string(status.message());
  }
  ++result_
        .errors_by_kind[kind.empty() ? absl::StatusCodeToString(status.code())
                                     : std::string(kind)];
  traffic_->OnError(request.index - plan_.base);
}

void RedisWorker::OnReply(Link& link, int64_t now_ns) {
  const Link::Expected expected = link.expected.front();
  link.expected.pop_front();
  if (expected.asking) return;
  const RedisConnection& connection = *link.connection;
  if (!connection.is_error()) {
    if (plan_.measured && !wants_replies_ && connection.is_empty()) {
      ++result_.empty_replies;
    }
    Finish(expected.request, connection.object(), absl::OkStatus(), "", now_ns);
    return;
  }
  const absl::string_view text = connection.error();
  if (SentAgain(text, expected.request, now_ns)) return;
  Finish(expected.request, nullptr, absl::UnknownError(text), FirstWord(text),
         now_ns);
}

absl::Status RedisWorker::OnReadable(Link& link) {
  if (link.connection == nullptr) return absl::OkStatus();
  absl::Status status = link.connection->Read();
  const int64_t now_ns = MonotonicNowNs();
  link.progress_ns = now_ns;
  while (true) {
    // What came before a connection was lost counts.
    const absl::StatusOr<bool> replied = link.connection->Next(wants_replies_);
    if (absl::IsInternal(replied.status())) {
      const Url& url = slots_.nodes()[static_cast<size_t>(link.node)];
      return absl::InternalError(absl::StrCat(
          url.Redacted(),
          ": this is not Redis's protocol: ", replied.status().message()));
    }
    if (!*replied) break;
    if (link.expected.empty()) {
      status = absl::UnavailableError("a reply to nothing that was asked");
      break;
    }
    OnReply(link, now_ns);
  }
  if (!status.ok()) Break(link, status, now_ns);
  if (plan_.rate_per_second == 0) Refill(link.client, now_ns);
  return absl::OkStatus();
}

void RedisWorker::BreakSilent(int64_t now_ns) {
  if (now_ns < next_silence_check_ns_) return;
  next_silence_check_ns_ = now_ns + kLongestWaitNs;
  const int64_t limit_ns = absl::ToInt64Nanoseconds(redis_.reply_timeout);
  for (const std::unique_ptr<Link>& link : links_) {
    if (!link->expected.empty() && now_ns - link->progress_ns > limit_ns) {
      Break(*link, absl::DeadlineExceededError("no reply in time"), now_ns);
    }
  }
}

// --- The loop ---

void RedisWorker::FlushDirty(int64_t now_ns) {
  for (size_t i = 0; i < dirty_.size(); ++i) {
    Link& link = *dirty_[i];
    link.dirty = false;
    if (link.connection == nullptr) continue;
    absl::Status status = link.connection->Flush();
    if (status.ok() && link.connection->wants_write() != link.watches_write) {
      status = Watch(link, false);
    }
    if (!status.ok()) Break(link, status, now_ns);
  }
  dirty_.clear();
}

int64_t RedisWorker::WaitNs(int64_t now_ns) const {
  int64_t until_ns = now_ns + kLongestWaitNs;
  for (const Retry& retry : retries_) {
    until_ns = std::min(until_ns, retry.at_ns);
  }
  if (broken_ > 0) {
    for (const std::unique_ptr<Link>& link : links_) {
      if (link->connection == nullptr) {
        until_ns = std::min(until_ns, link->retry_at_ns);
      }
    }
  }
  if (begun_ < plan_.count && now_ns < plan_.end_ns) {
    until_ns = std::min(until_ns, plan_.end_ns);
    if (plan_.rate_per_second > 0) {
      const double next =
          static_cast<double>(plan_.first + begun_ * plan_.stride);
      const int64_t due_ns =
          plan_.start_ns +
          static_cast<int64_t>(next * 1e9 / plan_.rate_per_second);
      // What is due and has no free client waits for a reply.
      if (due_ns > now_ns) until_ns = std::min(until_ns, due_ns);
    }
  }
  return std::max<int64_t>(until_ns - now_ns, 0);
}

// Looks for events without going to sleep, from which it takes tens of
// microseconds to wake a processor: as long as that has been worth it.
int RedisWorker::Poll(int64_t until_ns, epoll_event* events) {
  if (!redis_.may_poll || under_way_ == 0) return 0;
  if (polls_to_skip_ > 0) {
    --polls_to_skip_;
    return 0;
  }
  int count = 0;
  do {
    count = epoll_wait(epoll_, events, kEvents, 0);
  } while (count == 0 && MonotonicNowNs() < until_ns);
  if (count != 0) {
    polls_in_vain_ = 0;
  } else if (++polls_in_vain_ >= kMostPollsInVain) {
    polls_in_vain_ = 0;
    polls_to_skip_ = kPollsSkipped;
  }
  return count;
}

absl::Status RedisWorker::Wait(int64_t now_ns) {
  const int64_t wait_ns = WaitNs(now_ns);
  timespec timeout;
  timeout.tv_sec = wait_ns / kNanosPerSecond;
  timeout.tv_nsec = wait_ns % kNanosPerSecond;
  epoll_event events[kEvents];
  int count = Poll(now_ns + std::min(wait_ns, kPollNs), events);
  if (count == 0) {
    count = epoll_pwait2(epoll_, events, kEvents, &timeout, nullptr);
  }
  if (count < 0 && errno != EINTR) {
    return absl::ErrnoToStatus(errno, "cannot wait for replies");
  }
  for (int i = 0; i < count; ++i) {
    Link& link = *static_cast<Link*>(events[i].data.ptr);
    if ((events[i].events & EPOLLOUT) != 0 && !link.dirty) {
      link.dirty = true;
      dirty_.push_back(&link);
    }
    if ((events[i].events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) {
      OPSBENCH_RETURN_IF_ERROR(OnReadable(link));
    }
  }
  return absl::OkStatus();
}

// When the schedule is over.
int64_t RedisWorker::Overdue() const {
  if (plan_.rate_per_second == 0) return 0;
  const double due = static_cast<double>(plan_.end_ns - plan_.start_ns) / 1e9 *
                     plan_.rate_per_second / static_cast<double>(plan_.stride);
  const double owed = std::min(due, static_cast<double>(plan_.count));
  return std::max<int64_t>(0, static_cast<int64_t>(owed) - begun_);
}

absl::Status RedisWorker::Run(const RequestPlan& plan) {
  plan_ = plan;
  begun_ = 0;
  overdue_ = 0;
  fill_ = true;
  last_reply_ns_ = plan.start_ns;
  int64_t drain_end_ns = std::numeric_limits<int64_t>::max();
  while (true) {
    int64_t now_ns = MonotonicNowNs();
    if (broken_ > 0) {
      OPSBENCH_RETURN_IF_ERROR(Mend(now_ns));
      now_ns = MonotonicNowNs();
    }
    BreakSilent(now_ns);
    SendRetries(now_ns);
    IssueDue(now_ns);
    FlushDirty(now_ns);
    if (!MayIssue(now_ns)) {
      if (under_way_ == 0) break;
      if (drain_end_ns == std::numeric_limits<int64_t>::max()) {
        overdue_ = Overdue();
        drain_end_ns = now_ns + absl::ToInt64Nanoseconds(redis_.patience);
      }
      if (Stopped()) {
        drain_end_ns = std::min(drain_end_ns, now_ns + kStopDrainNs);
      }
      if (now_ns >= drain_end_ns) break;
    }
    OPSBENCH_RETURN_IF_ERROR(Wait(now_ns));
  }
  if (under_way_ > 0) {
    const absl::Status late = absl::DeadlineExceededError("no reply in time");
    const int64_t now_ns = MonotonicNowNs();
    for (const std::unique_ptr<Link>& link : links_) Break(*link, late, now_ns);
    for (const Retry& retry : std::exchange(retries_, {})) {
      Finish(retry.request, nullptr, late, kLost, now_ns);
    }
  }
  return absl::OkStatus();
}

}  // namespace opsbench::vector::internal
