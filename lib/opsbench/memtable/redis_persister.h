#ifndef OPSBENCH_MEMTABLE_REDIS_PERSISTER_H_
#define OPSBENCH_MEMTABLE_REDIS_PERSISTER_H_

// Writes a memtable's rows to Redis or Valkey: a row is the hash
// <prefix>:<key>, with a field for each field of the schema, the key among
// them. Numbers, enums and bools (0 or 1) are decimal digits, as few as give
// the same number again; strings are stored as they are.
//
// A batch is a pipeline of HSET and DEL, not a transaction: one that failed may
// have taken effect in part, and comes again. Fields that the schema does not
// name are left alone. What the server loses when it ends is its
// configuration's to say.
//
// Thread safety: for one thread at a time, as a memtable calls it.

#include <array>
#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/memtable/internal/identifier.h"
#include "opsbench/memtable/persister.h"

namespace opsbench::memtable {

template <typename SchemaType>
class RedisPersister : public Persister<typename SchemaType::Row> {
 public:
  using Schema = SchemaType;
  using Row = typename Schema::Row;

  // Connects to `url`, with the errors of ConnectRedis(). InvalidArgument as
  // well: the prefix is not [a-z0-9_:]+.
  static absl::StatusOr<std::unique_ptr<RedisPersister>> Open(
      const Url& url, std::string_view prefix,
      const RedisOptions& options = {}) {
    OPSBENCH_RETURN_IF_ERROR(
        internal::CheckPrefix({prefix.data(), prefix.size()}));
    auto persister = std::unique_ptr<RedisPersister>(
        new RedisPersister(url, prefix, options));
    OPSBENCH_RETURN_IF_ERROR(persister->Connect());
    return persister;
  }

  // The first error that a command had, as redis.h has it.
  absl::Status Persist(absl::Span<const Change<Row>> changes) override {
    if (session_ == nullptr) OPSBENCH_RETURN_IF_ERROR(Connect());
    absl::Status status;
    while (status.ok() && !changes.empty()) {
      const auto part = changes.subspan(0, kCommandsAtOnce);
      for (const Change<Row>& change : part) Append(change);
      changes.remove_prefix(part.size());
      status = session_->Flush();
    }
    if (!session_->alive()) session_.reset();
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat("persist to ", prefix_,
                                                    ":*: ", status.message()));
  }

 private:
  // Bounds the replies that wait in the server.
  static constexpr size_t kCommandsAtOnce = 1'000;

  RedisPersister(const Url& url, std::string_view prefix,
                 const RedisOptions& options)
      : url_(url), options_(options), prefix_(prefix) {}

  absl::Status Connect() {
    OPSBENCH_ASSIGN_OR_RETURN(session_, ConnectRedis(url_, options_));
    return absl::OkStatus();
  }

  void Append(const Change<Row>& change) {
    key_.assign(prefix_).push_back(':');
    key_.append(TextOf((*change.row).*Schema::kKeyMember, &numbers_[0]));
    if (change.removed) {
      session_->Append({"DEL", key_});
      return;
    }
    command_.assign({"HSET", key_});
    size_t field = 0;
    Schema::ForEachField([&]<typename F>(F*) {
      const std::string_view text =
          TextOf((*change.row).*F::kMember, &numbers_[field++]);
      command_.emplace_back(F::kName.data(), F::kName.size());
      command_.emplace_back(text.data(), text.size());
    });
    session_->Append(command_);
  }

  // Enough for any number.
  using NumberText = std::array<char, 32>;

  template <typename Field>
  static std::string_view TextOf(const Field& field, NumberText* text) {
    if constexpr (std::is_same_v<Field, std::string_view>) {
      return field;
    } else if constexpr (std::is_same_v<Field, bool>) {
      return field ? "1" : "0";
    } else if constexpr (std::is_enum_v<Field>) {
      return TextOf(static_cast<std::underlying_type_t<Field>>(field), text);
    } else {
      const auto end =
          std::to_chars(text->data(), text->data() + text->size(), field).ptr;
      return {text->data(), static_cast<size_t>(end - text->data())};
    }
  }

  const Url url_;
  const RedisOptions options_;
  const std::string prefix_;
  std::unique_ptr<RedisSession> session_;
  // Of one command; their memory is kept.
  std::string key_;
  std::array<NumberText, Schema::kFields> numbers_;
  std::vector<absl::string_view> command_;
};

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_REDIS_PERSISTER_H_
