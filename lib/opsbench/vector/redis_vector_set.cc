#include "opsbench/vector/redis_vector_set.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/internal/redis_reply.h"

namespace opsbench::vector {
namespace {

using internal::DecimalText;
using internal::DescribeReply;
using internal::IntegerOf;
using internal::NumberOf;
using internal::TextOf;
using internal::UnexpectedReply;

absl::string_view QuantizationArgument(
    VectorSetOptions::Quantization quantization) {
  switch (quantization) {
    case VectorSetOptions::Quantization::kNone:
      return "NOQUANT";
    case VectorSetOptions::Quantization::kInt8:
      return "Q8";
    case VectorSetOptions::Quantization::kBinary:
      return "BIN";
  }
  return "";
}

float LargestError(VectorSetOptions::Quantization quantization) {
  switch (quantization) {
    case VectorSetOptions::Quantization::kNone:
      return 1e-5F;
    case VectorSetOptions::Quantization::kInt8:
      return 1e-2F;
    case VectorSetOptions::Quantization::kBinary:
      return 1;  // A right angle.
  }
  return 0;
}

bool IsZero(absl::Span<const float> vector) {
  return std::all_of(vector.begin(), vector.end(),
                     [](float value) { return value == 0; });
}

std::string FilterExpression(const Filter& filter) {
  if (filter.by_tag) return absl::StrCat(".tag == ", filter.tag);
  return absl::StrCat(".number >= ", DecimalText(filter.number_low),
                      " and .number < ", DecimalText(filter.number_high));
}

class RedisVectorSet : public RedisIndex {
 public:
  RedisVectorSet(const RedisFeatures& features, std::string key, bool distances,
                 const VectorSetOptions& options)
      : key_(std::move(key)),
        slot_(ClusterSlot(key_)),
        distances_(distances),
        m_(absl::StrCat(options.m)),
        ef_construction_(absl::StrCat(options.ef_construction)),
        quantization_(QuantizationArgument(options.quantization)),
        largest_error_(LargestError(options.quantization)),
        check_and_set_(options.check_and_set) {
    info_.name = "redis_vector_set";
    info_.version = features.server;
    info_.filters = true;
    info_.remote = true;
  }

  const BackendInfo& info() const override { return info_; }

  std::string OptionsText(const BuildOptions& /*options*/) const override {
    return absl::StrCat("m:", m_, ",ef_construction:", ef_construction_, ",",
                        quantization_);
  }

  // The first VADD makes the set.
  std::vector<std::string> CreateCommand(
      const Dataset& /*data*/, const BuildOptions& /*options*/) const override {
    return {};
  }

  int AppendInsert(const Dataset& data, size_t row,
                   std::string* out) const override {
    const std::string element = absl::StrCat(row);
    std::string json;
    std::vector<absl::string_view> command = {
        "VADD", key_, "FP32", internal::Blob(data.base().row(row)), element};
    if (check_and_set_) command.push_back("CAS");
    command.insert(command.end(), {quantization_, "EF", ef_construction_});
    const Attributes& attributes = data.attributes();
    if (!attributes.empty()) {
      json = absl::StrCat("{\"tag\":", attributes.tags[row],
                          ",\"number\":", DecimalText(attributes.numbers[row]),
                          "}");
      command.insert(command.end(), {"SETATTR", json});
    }
    command.insert(command.end(), {"M", m_});
    AppendRespCommand(command, out);
    return slot_;
  }

  absl::Status ParseInsert(const redisReply& from) const override {
    return internal::CheckInserted(from);
  }

  std::string KeyOf(size_t /*row*/) const override { return key_; }
  std::vector<std::string> ReadCommand(size_t row) const override {
    return {"VEMB", key_, absl::StrCat(row)};
  }
  // The server keeps a vector's direction and its length apart, and rounds
  // both.
  absl::Status CheckRow(const Dataset& data, size_t row,
                        const RedisReply& reply) const override {
    const absl::Span<const float> vector = data.base().row(row);
    std::vector<float> read;
    for (const RedisReply& number : reply.elements) {
      read.push_back(0);
      if (!absl::SimpleAtof(number.text, &read.back())) break;
    }
    const bool same = read.size() == vector.size() &&
                      ExactDistance(Metric::kCosine, read.data(), vector.data(),
                                    vector.size()) <= largest_error_;
    return same || IsZero(vector)
               ? absl::OkStatus()
               : internal::OtherRow(absl::StrCat(key_, ", element ", row));
  }

  int AppendSearch(const SearchRequest& request,
                   std::string* out) const override {
    const std::string count = absl::StrCat(request.k);
    const std::string ef = absl::StrCat(request.ef);
    std::string filter;
    std::vector<absl::string_view> command = {
        "VSIM", key_, "FP32", internal::Blob(request.query), "COUNT", count};
    if (distances_) command.push_back("WITHSCORES");
    if (request.ef > 0) command.insert(command.end(), {"EF", ef});
    if (request.filter.any()) {
      filter = FilterExpression(request.filter);
      command.insert(command.end(), {"FILTER", filter});
    }
    AppendRespCommand(command, out);
    return slot_;
  }

  absl::Status ParseSearch(const redisReply& from,
                           std::vector<Neighbor>* found) const override {
    const RedisReplyView reply = from;
    found->clear();
    OPSBENCH_RETURN_IF_ERROR(internal::ReplyStatus(reply));
    const size_t step = distances_ ? 2 : 1;
    if (reply.type() != RedisReply::Type::kArray || reply.size() % step != 0) {
      return UnexpectedReply(
          "VSIM",
          absl::StrCat("not ",
                       distances_ ? "pairs of element and score" : "elements",
                       ", but ", DescribeReply(reply)));
    }
    for (size_t i = 0; i < reply.size(); i += step) {
      Neighbor neighbor;
      const absl::string_view id = TextOf(reply[i]).value_or("");
      const auto similarity =
          distances_ ? NumberOf(reply[i + 1]) : absl::optional<double>(1);
      if (!absl::SimpleAtoi(id, &neighbor.id) || neighbor.id < 0 ||
          !similarity.has_value() || !(*similarity >= -1 && *similarity <= 2)) {
        found->clear();
        return UnexpectedReply(
            "VSIM",
            absl::StrCat("element ", i, " is not a row",
                         distances_ ? ", or its similarity no number" : ""));
      }
      neighbor.distance = distances_ ? static_cast<float>(2 * (1 - *similarity))
                                     : static_cast<float>(i);
      found->push_back(neighbor);
    }
    std::sort(found->begin(), found->end());
    return absl::OkStatus();
  }

  std::vector<std::string> CountCommand() const override {
    return {"VCARD", key_};
  }
  absl::StatusOr<int64_t> ParseCount(const redisReply& from) const override {
    const RedisReplyView reply = from;
    OPSBENCH_RETURN_IF_ERROR(internal::ReplyStatus(reply));
    const auto count = IntegerOf(reply);
    if (!count.has_value() || *count < 0) {
      return UnexpectedReply(
          "VCARD", absl::StrCat("not a number, but ", DescribeReply(reply)));
    }
    return *count;
  }

 private:
  const std::string key_;
  const int slot_;
  const bool distances_;
  const std::string m_;
  const std::string ef_construction_;
  const absl::string_view quantization_;
  const float largest_error_;  // Cosine distance of what is read back.
  const bool check_and_set_;
  BackendInfo info_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RedisIndex>> NewRedisVectorSet(
    const RedisFeatures& features, std::string key, Metric metric,
    bool distances, const VectorSetOptions& options) {
  if (metric != Metric::kCosine) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Redis's vector sets know the cosine distance alone, and this data "
        "set's is ",
        MetricName(metric),
        ": take a server with the search module, or data of cosine"));
  }
  return std::make_unique<RedisVectorSet>(features, std::move(key), distances,
                                          options);
}

}  // namespace opsbench::vector
