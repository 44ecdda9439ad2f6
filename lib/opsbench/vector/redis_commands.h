#ifndef OPSBENCH_VECTOR_REDIS_COMMANDS_H_
#define OPSBENCH_VECTOR_REDIS_COMMANDS_H_

// Plain commands of Redis as a load: those of redis-benchmark, under its names.
//
// Which key a request has is a pure function of the seed and its index. Keys
// are `key_prefix`, a word for the type unless that is a string, and 12 digits,
// or such digits in braces with one more behind them.
//
// Thread safety: the functions keep no state; what they make is for one thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/redis_load.h"

namespace opsbench::vector {

struct RedisCommandInfo {
  std::string name;        // "get".
  std::string help;        // "GET of a string key".
  bool has_key = false;    // Its keys are drawn from the key space.
  bool has_value = false;  // value_bytes is that of what it writes or reads.
  bool consumes = false;   // Takes away what it finds: keys run out.
  bool must_find = false;  // Every key has been filled and stays.
};

// All that there are.
const std::vector<RedisCommandInfo>& RedisCommands();
// Null: there is none of that name.
const RedisCommandInfo* FindRedisCommand(absl::string_view name);

struct RedisCommandOptions {
  std::string command = "get";
  int64_t key_space = 10'000;  // Keys are drawn from so many.
  double skew = 0;             // Zipf's exponent of the draw; 0: evenly.
  int value_bytes = 3;
  uint64_t seed = 1;
  // Of all keys. As long as redis-benchmark's, so that the two compare.
  std::string key_prefix = "ops:";
};

// The prefix of benchmark binaries.
inline constexpr char kBenchKeyPrefix[] = "opsbench:bench:";

// InvalidArgument: an unknown command, with those that there are; a key space
// or a size out of range.
absl::StatusOr<TrafficFactory> MakeRedisCommandTraffic(
    const RedisCommandOptions& options);

// Sets every key of the key space, for commands that read: each index below
// `key_space` is one key. Null: the command reads nothing.
TrafficFactory MakeRedisFillTraffic(const RedisCommandOptions& options);

// Reads back what requests of MakeRedisCommandTraffic() left, without skew:
// request i is that for indexes[i]. DataLoss is an error of the load: the
// command did not leave what it should. Null: it leaves nothing.
TrafficFactory MakeRedisReadBackTraffic(const RedisCommandOptions& options,
                                        std::vector<int64_t> indexes);

// Before anything is written: makes the keys of a command opsbench's own, by a
// mark, the key "<key_prefix>mark" of strings, "<key_prefix>hash:mark" of
// hashes and so on. FailedPrecondition: there are keys of such
// names without the mark, or of another type; nothing is written then. An error
// when the user may not look.
absl::Status ClaimRedisKeys(const Url& url, const RedisCommandOptions& options);

// Removes the keys that a command has after ClaimRedisKeys(), and the mark.
absl::Status ReleaseRedisKeys(const Url& url,
                              const RedisCommandOptions& options);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_REDIS_COMMANDS_H_
