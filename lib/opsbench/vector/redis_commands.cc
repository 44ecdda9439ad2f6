#include "opsbench/vector/redis_commands.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "opsbench/base/distributions.h"
#include "opsbench/base/random.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/redis_reply.h"
#include "opsbench/vector/internal/redis_nodes.h"
#include "opsbench/vector/redis_index.h"

namespace opsbench::vector {
namespace {

constexpr int kManyKeys = 10;
constexpr int kKeyDigits = 12;

// Behind the prefix: the key that says whose the keys are.
constexpr char kMarkName[] = "mark";

// What stands for the key, the value and the number of a request in a command's
// words below.
constexpr char kKey[] = "<key>";
constexpr char kValue[] = "<value>";
constexpr char kNumber[] = "<number>";
constexpr char kTagged[] = "<tagged>";  // The first key of an MSET.
constexpr absl::string_view kFirstOfTag = "}:0";

// What a command leaves, as read back by its `read` words.
enum class Left { kNothing, kItsValue, kSomething, kOne };

struct Command {
  const char* name;
  const char* help;
  // After the prefix of keys: those of one type are told apart. A string's have
  // none, and are as long as redis-benchmark's.
  const char* type;
  std::vector<std::string> words;
  std::vector<std::string> fill;  // What makes a key that it reads.
  std::vector<std::string> read;  // What reads back what it leaves.
  Left left = Left::kNothing;

  bool Uses(absl::string_view part) const {
    const auto has = [&](const std::vector<std::string>& of) {
      return std::find(of.begin(), of.end(), part) != of.end();
    };
    return words.front() == "MSET" || has(words) || has(fill);
  }
  // Takes away what it finds, so that there is less of it each time.
  bool consumes() const { return !fill.empty() && read.empty(); }
};

// Each kind of value has keys of its own, so that no command finds another's.
const std::vector<Command>& Commands() {
  static const auto* commands = new std::vector<Command>{
      {"ping", "PING: the round trip alone", "", {"PING"}, {}, {}},
      {"set",
       "SET of a string",
       "",
       {"SET", kKey, kValue},
       {},
       {"GET", kKey},
       Left::kItsValue},
      {"get",
       "GET of a string",
       "",
       {"GET", kKey},
       {"SET", kKey, kValue},
       {"GET", kKey},
       Left::kItsValue},
      {"incr",
       "INCR of a counter",
       "counter:",
       {"INCR", kKey},
       {},
       {"GET", kKey},
       Left::kSomething},
      {"lpush",
       "LPUSH onto a list",
       "list:",
       {"LPUSH", kKey, kValue},
       {},
       {"LINDEX", kKey, "0"},
       Left::kItsValue},
      {"rpush",
       "RPUSH onto a list",
       "list:",
       {"RPUSH", kKey, kValue},
       {},
       {"LINDEX", kKey, "-1"},
       Left::kItsValue},
      {"lpop",
       "LPOP from a list",
       "list:",
       {"LPOP", kKey},
       {"LPUSH", kKey, kValue},
       {}},
      {"rpop",
       "RPOP from a list",
       "list:",
       {"RPOP", kKey},
       {"LPUSH", kKey, kValue},
       {}},
      {"sadd",
       "SADD to a set",
       "set:",
       {"SADD", kKey, kNumber},
       {},
       {"SISMEMBER", kKey, kNumber},
       Left::kOne},
      {"spop",
       "SPOP from a set",
       "set:",
       {"SPOP", kKey},
       {"SADD", kKey, "1"},
       {}},
      {"hset",
       "HSET of a field of a hash",
       "hash:",
       {"HSET", kKey, "field", kValue},
       {},
       {"HGET", kKey, "field"},
       Left::kItsValue},
      {"hget",
       "HGET of a field of a hash",
       "hash:",
       {"HGET", kKey, "field"},
       {"HSET", kKey, "field", kValue},
       {"HGET", kKey, "field"},
       Left::kItsValue},
      {"zadd",
       "ZADD to a sorted set",
       "zset:",
       {"ZADD", kKey, kNumber, kValue},
       {},
       {"ZSCORE", kKey, kValue},
       Left::kSomething},
      {"zpopmin",
       "ZPOPMIN from a sorted set",
       "zset:",
       {"ZPOPMIN", kKey},
       {"ZADD", kKey, "1", kValue},
       {}},
      {"mset",
       "MSET of ten strings of one slot",
       "many:",
       {"MSET"},
       {},
       {"GET", kTagged},
       Left::kItsValue}};
  return *commands;
}

const Command* Find(absl::string_view name) {
  for (const Command& command : Commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

// Whether it takes ten keys with one tag in braces.
bool HasManyKeys(const Command& command) {
  return command.words.front() == "MSET";
}

class CommandTraffic : public RedisTraffic {
 public:
  // `in_order`: index i is key i.
  CommandTraffic(const Command& command, const std::vector<std::string>& words,
                 const RedisCommandOptions& options, bool in_order,
                 absl::optional<Zipf> zipf)
      : prefix_(absl::StrCat(options.key_prefix, command.type)),
        options_(options),
        in_order_(in_order),
        zipf_(zipf) {
    const std::string value(static_cast<size_t>(options.value_bytes), 'x');
    // The tag of many keys is the key that is drawn, in braces.
    if (HasManyKeys(command)) prefix_ += "{";
    if (HasManyKeys(command) && words.size() == 1) {
      MakeManyKeys(words.front(), words.front() == "MSET" ? &value : nullptr);
    } else {
      MakeTemplate(words, value);
    }
  }

  int Append(int64_t index, std::string* out) override {
    const size_t start = out->size();
    out->append(template_);
    const uint64_t key = KeyOf(index);
    for (const size_t at : key_places_) WriteDigits(key, start + at, out);
    for (const size_t at : number_places_) {
      WriteDigits(static_cast<uint64_t>(index), start + at, out);
    }
    if (!slots_ || key_places_.empty()) return kAnyNode;
    return SlotOf(absl::string_view(*out).substr(
        start + key_places_.front() - prefix_.size(),
        prefix_.size() + kKeyDigits));
  }

  void NoSlots() override { slots_ = false; }
  bool wants_replies() const override { return false; }
  absl::Status OnReply(int64_t, const redisReply&) override {
    return absl::OkStatus();
  }

 private:
  // Bulk strings with places for the digits.
  void MakeTemplate(const std::vector<std::string>& words,
                    const std::string& value) {
    absl::StrAppend(&template_, "*", words.size(), "\r\n");
    for (const std::string& word : words) {
      const std::string digits(kKeyDigits, '0');
      const std::string text = word == kKey ? prefix_ + digits
                               : word == kTagged
                                   ? absl::StrCat(prefix_, digits, kFirstOfTag)
                               : word == kValue  ? value
                               : word == kNumber ? digits
                                                 : word;
      absl::StrAppend(&template_, "$", text.size(), "\r\n", text);
      if (word == kKey) key_places_.push_back(template_.size() - kKeyDigits);
      if (word == kTagged) {
        key_places_.push_back(template_.size() - kKeyDigits -
                              kFirstOfTag.size());
      }
      if (word == kNumber) {
        number_places_.push_back(template_.size() - kKeyDigits);
      }
      template_ += "\r\n";
    }
  }

  // Ten keys of one tag.
  void MakeManyKeys(const std::string& word, const std::string* value) {
    absl::StrAppend(&template_, "*", 1 + (value == nullptr ? 1 : 2) * kManyKeys,
                    "\r\n$", word.size(), "\r\n", word, "\r\n");
    for (int i = 0; i < kManyKeys; ++i) {
      const std::string key =
          absl::StrCat(prefix_, std::string(kKeyDigits, '0'), "}:", i);
      absl::StrAppend(&template_, "$", key.size(), "\r\n", prefix_);
      key_places_.push_back(template_.size());
      absl::StrAppend(&template_, key.substr(prefix_.size()), "\r\n");
      if (value == nullptr) continue;
      absl::StrAppend(&template_, "$", value->size(), "\r\n", *value, "\r\n");
    }
  }

  uint64_t KeyOf(int64_t index) const {
    const auto keys = static_cast<uint64_t>(options_.key_space);
    if (in_order_) return static_cast<uint64_t>(index) % keys;
    Random random = Random::Stream(options_.seed, static_cast<uint64_t>(index));
    return zipf_.has_value() ? (*zipf_)(random) : random.Below(keys);
  }

  int SlotOf(absl::string_view key) const {
    // The braces of MSET's keys are not closed in what is looked at.
    const size_t open = key.find('{');
    return ClusterSlot(open == absl::string_view::npos ? key
                                                       : key.substr(open + 1));
  }

  static void WriteDigits(uint64_t number, size_t at, std::string* out) {
    for (size_t i = kKeyDigits; i-- > 0; number /= 10) {
      (*out)[at + i] = static_cast<char>('0' + number % 10);
    }
  }

  std::string prefix_;
  const RedisCommandOptions options_;
  const bool in_order_;
  const absl::optional<Zipf> zipf_;  // Nothing: evenly.
  bool slots_ = true;
  std::string template_;
  std::vector<size_t> key_places_;
  std::vector<size_t> number_places_;
};

// Reads back what some requests left.
class ReadBackTraffic : public RedisTraffic {
 public:
  ReadBackTraffic(const Command& command, const RedisCommandOptions& options,
                  std::vector<int64_t> indexes)
      : command_(command),
        value_bytes_(static_cast<size_t>(options.value_bytes)),
        indexes_(std::move(indexes)),
        reads_(command, command.read, options, false, absl::nullopt) {}

  int Append(int64_t index, std::string* out) override {
    return reads_.Append(indexes_[static_cast<size_t>(index)], out);
  }
  void NoSlots() override { reads_.NoSlots(); }

  absl::Status OnReply(int64_t, const redisReply& reply) override {
    const RedisReplyView view(reply);
    if (Holds(view)) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat(
        "what ", command_.words.front(),
        " left is not there: ", command_.read.front(), " of its key answers ",
        view.type() == RedisReply::Type::kNil
            ? "that it has nothing"
            : absl::StrCat("with another value, of ", view.text().size(),
                           " bytes")));
  }

 private:
  bool Holds(const RedisReplyView& view) const {
    switch (command_.left) {
      case Left::kNothing:
        return true;
      case Left::kItsValue:
        return view.text().size() == value_bytes_ &&
               view.text().find_first_not_of('x') == absl::string_view::npos;
      case Left::kSomething:
        return view.type() != RedisReply::Type::kNil;
      case Left::kOne:
        return view.integer() == 1;
    }
    return false;
  }

  const Command& command_;
  const size_t value_bytes_;
  const std::vector<int64_t> indexes_;
  CommandTraffic reads_;
};

// Of a key by the word for its type.
absl::string_view RedisTypeOf(absl::string_view word) {
  for (const absl::string_view type : {"list", "set", "hash", "zset"}) {
    if (absl::ConsumePrefix(&word, type)) return type;
  }
  return "string";
}

// Whether a command may have the key, whose prefix was taken off.
bool IsKeyOf(const Command& command, absl::string_view key) {
  const auto digits = [&key](size_t count) {
    const absl::string_view number = key.substr(0, count);
    key.remove_prefix(number.size());
    return number.size() == count &&
           number.find_first_not_of("0123456789") == number.npos;
  };
  if (!HasManyKeys(command)) return digits(kKeyDigits) && key.empty();
  return absl::ConsumePrefix(&key, "{") && digits(kKeyDigits) &&
         absl::ConsumePrefix(&key, "}:") && digits(1) && key.empty();
}

std::string MarkText() { return OwnershipMark("redis commands"); }

absl::Status NotOurs(absl::string_view key, absl::string_view type,
                     const Url& url) {
  return absl::FailedPreconditionError(absl::StrCat(
      "key ", key, " (", type, ") at ", url.Redacted(),
      " was not made by opsbench and has a name that this measurement writes: "
      "rename it, or name another database or server"));
}

}  // namespace

const std::vector<RedisCommandInfo>& RedisCommands() {
  static const auto* infos = [] {
    auto* made = new std::vector<RedisCommandInfo>;
    for (const Command& command : Commands()) {
      made->push_back({command.name, command.help, command.Uses(kKey),
                       command.Uses(kValue), command.consumes(),
                       !command.fill.empty() && !command.consumes()});
    }
    return made;
  }();
  return *infos;
}

const RedisCommandInfo* FindRedisCommand(absl::string_view name) {
  for (const RedisCommandInfo& command : RedisCommands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

absl::StatusOr<TrafficFactory> MakeRedisCommandTraffic(
    const RedisCommandOptions& options) {
  const Command* command = Find(options.command);
  if (command == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unknown operation ", options.command, ": there are vec-query, ",
        absl::StrJoin(Commands(), ", ",
                      [](std::string* out, const Command& known) {
                        out->append(known.name);
                      })));
  }
  if (options.key_space < 1 || options.key_space > 100'000'000'000) {
    return absl::InvalidArgumentError(
        absl::StrCat("a key space of ", options.key_space,
                     " keys: it has to be from 1 to 100000000000"));
  }
  constexpr int kMostBytes = 512 << 20;  // Redis's own bound.
  if (options.value_bytes < 1 || options.value_bytes > kMostBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("values of ", options.value_bytes,
                     " bytes: they have to have from 1 to ", kMostBytes));
  }
  const absl::StatusOr<Zipf> skewed =
      Zipf::Create(static_cast<uint64_t>(options.key_space), options.skew);
  if (!skewed.ok()) return skewed.status();
  const absl::optional<Zipf> zipf =
      options.skew > 0 ? absl::optional<Zipf>(*skewed) : absl::nullopt;
  return TrafficFactory([command, options, zipf](int) {
    return std::make_unique<CommandTraffic>(*command, command->words, options,
                                            false, zipf);
  });
}

TrafficFactory MakeRedisReadBackTraffic(const RedisCommandOptions& options,
                                        std::vector<int64_t> indexes) {
  const Command* command = Find(options.command);
  if (command == nullptr || command->read.empty()) return nullptr;
  return [command, options, indexes](int) {
    return std::make_unique<ReadBackTraffic>(*command, options, indexes);
  };
}

namespace {

// One for each type of keys: what one command has looked for says nothing of
// the keys of another type.
std::string MarkOf(const Command& command, const RedisCommandOptions& options) {
  return absl::StrCat(options.key_prefix, command.type, kMarkName);
}

}  // namespace

absl::Status ClaimRedisKeys(const Url& url,
                            const RedisCommandOptions& options) {
  const Command* command = Find(options.command);
  if (command == nullptr || !command->Uses(kKey)) return absl::OkStatus();
  OPSBENCH_ASSIGN_OR_RETURN(const auto nodes,
                            internal::RedisNodes::Connect(url));
  const std::string mark = MarkOf(*command, options);
  OPSBENCH_ASSIGN_OR_RETURN(const RedisReply mark_type,
                            nodes->ExecuteForKey(mark, {"TYPE", mark}));
  bool marked = false;
  if (mark_type.text == "string") {
    OPSBENCH_ASSIGN_OR_RETURN(const RedisReply text,
                              nodes->ExecuteForKey(mark, {"GET", mark}));
    marked = text.text == MarkText();
  }
  if (!marked && mark_type.text != "none") {
    return NotOurs(mark, mark_type.text, url);
  }
  const std::string prefix = absl::StrCat(options.key_prefix, command->type);
  const absl::string_view wanted = RedisTypeOf(command->type);
  OPSBENCH_RETURN_IF_ERROR(nodes->Scan(
      absl::StrCat(prefix, "*"),
      [&](size_t node, const std::vector<std::string>& keys) {
        OPSBENCH_ASSIGN_OR_RETURN(const std::vector<std::string> types,
                                  nodes->TypesOf(node, keys));
        for (size_t i = 0; i < keys.size(); ++i) {
          if (IsKeyOf(*command, keys[i].substr(prefix.size())) &&
              types[i] != "none" && !(marked && types[i] == wanted)) {
            return NotOurs(keys[i], types[i], url);
          }
        }
        return absl::OkStatus();
      }));
  if (marked) return absl::OkStatus();
  return nodes->ExecuteForKey(mark, {"SET", mark, MarkText()}).status();
}

absl::Status ReleaseRedisKeys(const Url& url,
                              const RedisCommandOptions& options) {
  const Command* command = Find(options.command);
  if (command == nullptr || !command->Uses(kKey)) return absl::OkStatus();
  std::vector<std::string> words = {"UNLINK"};
  if (!HasManyKeys(*command)) words.push_back(kKey);
  QueryLoadOptions each;
  each.clients = 4;
  each.pipeline = 64;
  each.requests = options.key_space;
  each.warmup = absl::ZeroDuration();
  OPSBENCH_ASSIGN_OR_RETURN(
      const QueryLoadResult result, RunRedisLoad(url, each, [&](int) {
        return std::make_unique<CommandTraffic>(*command, words, options, true,
                                                absl::nullopt);
      }));
  if (result.errors > 0) return RedisErrorStatus(result.first_error);
  OPSBENCH_ASSIGN_OR_RETURN(const auto nodes,
                            internal::RedisNodes::Connect(url));
  const std::string mark = MarkOf(*command, options);
  return nodes->ExecuteForKey(mark, {"UNLINK", mark}).status();
}

TrafficFactory MakeRedisFillTraffic(const RedisCommandOptions& options) {
  const Command* command = Find(options.command);
  if (command == nullptr || command->fill.empty()) return nullptr;
  return [command, options](int) {
    return std::make_unique<CommandTraffic>(*command, command->fill, options,
                                            true, absl::nullopt);
  };
}

}  // namespace opsbench::vector
