#include "opsbench/stress/replay.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/random.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::stress {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kChecksum[] = "checksum";

// JSON's numbers are doubles to most programs, and would lose digits.
std::string Hex(uint64_t number) {
  return absl::StrCat(absl::Hex(number, absl::kZeroPad16));
}

// Of a part's fields and of where it stands: an edited part is found, and so is
// one that was put in another's place. FNV-1a, mixed.
std::string ChecksumOf(const std::string& path, Json part) {
  part.erase(kChecksum);
  // Sorted, so that a formatter may reorder the fields.
  const std::string text =
      path + nlohmann::json(part).dump(
                 -1, ' ', true, nlohmann::json::error_handler_t::replace);
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  }
  return Hex(Mix64(hash));
}

Json Sealed(const std::string& path, Json part) {
  part[kChecksum] = ChecksumOf(path, part);
  return part;
}

std::string UserPath(size_t i) { return absl::StrCat("users[", i, "]"); }
std::string DatabasePath(size_t i) {
  return absl::StrCat("databases[", i, "]");
}

absl::StatusOr<StopReason> ParseStopReason(absl::string_view name) {
  for (const StopReason reason :
       {StopReason::kDurationElapsed, StopReason::kCrashDetected,
        StopReason::kInterrupted}) {
    if (StopReasonName(reason) == name) return reason;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", name, "\" is no reason to stop"));
}

// The file as it is read: each error names the file and the path in it.
class Reader {
 public:
  explicit Reader(const std::string& name) : name_(name) {}

  absl::Status Error(absl::string_view path, absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ": ", path, path.empty() ? "" : " ", what));
  }

  absl::StatusOr<Json> Parse(absl::string_view text) const {
    try {
      return Json::parse(text.begin(), text.end());
    } catch (const Json::parse_error& error) {
      if (error.byte > text.size()) {
        return Error("", absl::StrCat("is truncated: the JSON does not end "
                                      "within its ",
                                      text.size(), " bytes"));
      }
      const absl::string_view before =
          text.substr(0, std::max<size_t>(error.byte, 1) - 1);
      const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0.
      return Error(
          "", absl::StrCat("is no JSON: line ",
                           1 + std::count(before.begin(), before.end(), '\n'),
                           ", column ", before.size() - line_start + 1,
                           " is unexpected"));
    } catch (const Json::exception&) {
      return Error("", "is no replay: a number in it is out of all ranges");
    }
  }

  absl::StatusOr<const Json*> Field(const Json& object, const std::string& path,
                                    const char* key) const {
    if (!object.is_object()) return Error(path, "is no object");
    const auto found = object.find(key);
    if (found != object.end()) return &*found;
    return Error(Join(path, key), "is missing");
  }

  absl::StatusOr<const Json*> Array(const Json& object, const char* key,
                                    size_t size) const {
    OPSBENCH_ASSIGN_OR_RETURN(const Json* array, Field(object, "", key));
    if (!array->is_array()) return Error(key, "is no list");
    if (array->size() == size) return array;
    return Error(key, absl::StrCat("has ", array->size(),
                                   " entries, but config makes it ", size));
  }

  absl::StatusOr<std::string> Text(const Json& object, const std::string& path,
                                   const char* key) const {
    OPSBENCH_ASSIGN_OR_RETURN(const Json* field, Field(object, path, key));
    if (field->is_string()) return field->get<std::string>();
    return Error(Join(path, key), "is no text");
  }

  absl::StatusOr<uint64_t> Hexadecimal(const Json& object,
                                       const std::string& path,
                                       const char* key) const {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string text, Text(object, path, key));
    uint64_t number = 0;
    if (text.size() == 16 && absl::SimpleHexAtoi(text, &number)) return number;
    return Error(Join(path, key), "is not of 16 hexadecimal digits");
  }

  absl::StatusOr<int64_t> Integer(const Json& object, const std::string& path,
                                  const char* key, int64_t high) const {
    OPSBENCH_ASSIGN_OR_RETURN(const Json* field, Field(object, path, key));
    if (field->is_number_unsigned() &&
        field->get<uint64_t>() <= static_cast<uint64_t>(high)) {
      return field->get<int64_t>();
    }
    return Error(Join(path, key),
                 absl::StrCat("is no whole number from 0 to ", high));
  }

  // The fields of `part` have been read: whether they are those written.
  absl::Status CheckSeal(const Json& part, const std::string& path) const {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string checksum,
                              Text(part, path, kChecksum));
    if (checksum == ChecksumOf(path, part)) return absl::OkStatus();
    return Error(path,
                 "was edited: its fields do not give its checksum; settings "
                 "are changed by flags of a new run, not in this file");
  }

 private:
  static std::string Join(const std::string& path, const char* key) {
    return path.empty() ? key : absl::StrCat(path, ".", key);
  }

  const std::string& name_;
};

Json ConfigJson(const StressConfig& config) {
  Json json = Json::object();
  for (const Setting& setting : Settings()) {
    if (setting.part_of_run) json[setting.name] = setting.get(config);
  }
  return json;
}

absl::StatusOr<StressConfig> ReadConfig(const Reader& reader,
                                        const Json& file) {
  const std::string path = "config";
  OPSBENCH_ASSIGN_OR_RETURN(const Json* json, reader.Field(file, "", "config"));
  StressConfig config;
  for (const Setting& setting : Settings()) {
    if (!setting.part_of_run) continue;
    OPSBENCH_ASSIGN_OR_RETURN(const std::string text,
                              reader.Text(*json, path, setting.name));
    const absl::Status status = setting.set(text, &config);
    if (!status.ok()) {
      return reader.Error(absl::StrCat(path, ".", setting.name),
                          status.message());
    }
  }
  OPSBENCH_RETURN_IF_ERROR(reader.CheckSeal(*json, path));
  const absl::Status status = CheckConfig(config);
  if (!status.ok()) {
    return reader.Error(path,
                        absl::StrCat("contradicts itself: ", status.message()));
  }
  return config;
}

Json UserJson(const ReplayUser& user) {
  return {{"id", user.user.id},
          {"class", UserClassName(user.user.user_class)},
          {"database", user.user.database},
          {"seed", Hex(user.user.seed)},
          {"operations", user.operations},
          {"hash", Hex(user.hash)}};
}

// `expected`: the user of this index, but for its seed.
absl::StatusOr<ReplayUser> ReadUser(const Reader& reader, const Json& json,
                                    const User& expected) {
  const std::string path = UserPath(static_cast<size_t>(expected.id));
  ReplayUser user = {.user = expected};
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t id,
                            reader.Integer(json, path, "id", kMaxUsers));
  OPSBENCH_ASSIGN_OR_RETURN(const std::string user_class,
                            reader.Text(json, path, "class"));
  OPSBENCH_ASSIGN_OR_RETURN(
      const int64_t database,
      reader.Integer(json, path, "database", kMaxDatabases));
  OPSBENCH_ASSIGN_OR_RETURN(user.user.seed,
                            reader.Hexadecimal(json, path, "seed"));
  OPSBENCH_ASSIGN_OR_RETURN(
      user.operations, reader.Integer(json, path, "operations", kMaxIndex + 1));
  OPSBENCH_ASSIGN_OR_RETURN(user.hash, reader.Hexadecimal(json, path, "hash"));
  OPSBENCH_RETURN_IF_ERROR(reader.CheckSeal(json, path));
  if (id != expected.id || database != expected.database ||
      user_class != UserClassName(expected.user_class)) {
    return reader.Error(
        path,
        absl::StrCat("is another user than config makes it: user ", expected.id,
                     ", ", UserClassName(expected.user_class), ", database ",
                     expected.database));
  }
  return user;
}

// The hash of a user's operations as a run made it, drawn again.
uint64_t HashUpTo(const Plan& plan, const User& user, int64_t from,
                  int64_t operations, uint64_t hash) {
  for (int64_t index = from; index < operations; ++index) {
    hash = HashOperation(hash, index, plan.At(user, index));
  }
  return hash;
}

// Whether `longer`, of the plan `longer_plan`, went through the hash that
// `shorter` has on its way to its own.
bool PassesThrough(const Plan& longer_plan, const ReplayUser& longer,
                   const ReplayUser& shorter) {
  const uint64_t passed =
      HashUpTo(longer_plan, longer.user, 0, shorter.operations, 0);
  return passed == shorter.hash &&
         HashUpTo(longer_plan, longer.user, shorter.operations,
                  longer.operations, passed) == longer.hash;
}

}  // namespace

Plan Replay::MakePlan() const {
  std::vector<uint64_t> user_seeds;
  for (const ReplayUser& user : users) user_seeds.push_back(user.user.seed);
  return Plan::FromSeeds(config.plan, user_seeds, database_seeds);
}

Replay MakeReplay(const StressConfig& config, const Plan& plan,
                  const StressReport* report) {
  Replay replay = {.config = config};
  for (const User& user : plan.users) replay.users.push_back({.user = user});
  for (const DatabaseSchema& database : plan.databases) {
    replay.database_seeds.push_back(database.seed);
  }
  if (report == nullptr) return replay;
  replay.stop_reason = report->stop_reason;
  for (const UserReport& user : report->users) {
    ReplayUser& kept = replay.users[static_cast<size_t>(user.user.id)];
    kept.operations = user.operations;
    kept.hash = user.hash;
  }
  return replay;
}

std::string FormatReplay(const Replay& replay) {
  Json json = {{"version", kReplayVersion},
               {"config", Sealed("config", ConfigJson(replay.config))},
               {"databases", Json::array()},
               {"users", Json::array()}};
  for (size_t i = 0; i < replay.database_seeds.size(); ++i) {
    json["databases"].push_back(
        Sealed(DatabasePath(i), {{"seed", Hex(replay.database_seeds[i])}}));
  }
  for (size_t i = 0; i < replay.users.size(); ++i) {
    json["users"].push_back(Sealed(UserPath(i), UserJson(replay.users[i])));
  }
  Json end = Json::object();
  end["stop_reason"] =
      replay.stop_reason.has_value()
          ? Json(std::string(StopReasonName(*replay.stop_reason)))
          : Json(nullptr);
  json["end"] = Sealed("end", end);
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<Replay> ParseReplay(absl::string_view text,
                                   const std::string& name) {
  const Reader reader(name);
  OPSBENCH_ASSIGN_OR_RETURN(const Json json, reader.Parse(text));
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t version,
                            reader.Integer(json, "", "version", INT32_MAX));
  if (version != kReplayVersion) {
    return reader.Error(
        "version",
        absl::StrCat("is ", version, ", and this opsbench reads ",
                     kReplayVersion, ": replay it with the one that wrote it"));
  }
  Replay replay;
  OPSBENCH_ASSIGN_OR_RETURN(replay.config, ReadConfig(reader, json));
  OPSBENCH_ASSIGN_OR_RETURN(
      const Json* databases,
      reader.Array(json, "databases",
                   static_cast<size_t>(replay.config.plan.databases)));
  for (size_t i = 0; i < databases->size(); ++i) {
    const Json& database = (*databases)[i];
    OPSBENCH_ASSIGN_OR_RETURN(
        const uint64_t seed,
        reader.Hexadecimal(database, DatabasePath(i), "seed"));
    OPSBENCH_RETURN_IF_ERROR(reader.CheckSeal(database, DatabasePath(i)));
    replay.database_seeds.push_back(seed);
  }
  OPSBENCH_ASSIGN_OR_RETURN(
      const Json* users,
      reader.Array(json, "users", static_cast<size_t>(replay.config.users())));
  const Plan made = Plan::Make(replay.config.plan);
  for (size_t i = 0; i < users->size(); ++i) {
    OPSBENCH_ASSIGN_OR_RETURN(ReplayUser user,
                              ReadUser(reader, (*users)[i], made.users[i]));
    replay.users.push_back(user);
  }
  OPSBENCH_ASSIGN_OR_RETURN(const Json* end, reader.Field(json, "", "end"));
  OPSBENCH_ASSIGN_OR_RETURN(const Json* reason,
                            reader.Field(*end, "end", "stop_reason"));
  if (!reason->is_null()) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string text_of_reason,
                              reader.Text(*end, "end", "stop_reason"));
    const absl::StatusOr<StopReason> parsed = ParseStopReason(text_of_reason);
    if (!parsed.ok()) {
      return reader.Error("end.stop_reason", parsed.status().message());
    }
    replay.stop_reason = *parsed;
  }
  OPSBENCH_RETURN_IF_ERROR(reader.CheckSeal(*end, "end"));
  return replay;
}

bool ReplayComparison::equal() const {
  return std::all_of(users.begin(), users.end(),
                     [](const UserVerdict& user) { return user.equal; });
}

absl::StatusOr<ReplayComparison> CompareReplays(const Replay& before,
                                                const Replay& again) {
  if (before.users.size() != again.users.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "other users: ", before.users.size(), " and ", again.users.size()));
  }
  const Plan before_plan = before.MakePlan();
  const Plan again_plan = again.MakePlan();
  ReplayComparison comparison;
  for (size_t i = 0; i < before.users.size(); ++i) {
    const ReplayUser& a = before.users[i];
    const ReplayUser& b = again.users[i];
    if (a.user.user_class != b.user.user_class ||
        a.user.database != b.user.database) {
      return absl::InvalidArgumentError(absl::StrCat("other users: user ", i,
                                                     " has another class or "
                                                     "database"));
    }
    comparison.users.push_back(
        {.user = static_cast<int>(i),
         .compared = std::min(a.operations, b.operations),
         .equal = a.operations <= b.operations
                      ? PassesThrough(again_plan, b, a)
                      : PassesThrough(before_plan, a, b)});
  }
  return comparison;
}

}  // namespace opsbench::stress
