#include "opsbench/vector/internal/setting_space.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace opsbench::vector::internal {
namespace {

constexpr size_t kBases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
constexpr size_t kMostParameters = sizeof(kBases) / sizeof(kBases[0]);
constexpr size_t kMostSettings = 100'000;

// The digits of n behind the point, in reverse.
double RadicalInverse(size_t n, size_t base) {
  double result = 0;
  double place = 1;
  for (; n > 0; n /= base) {
    place /= static_cast<double>(base);
    result += static_cast<double>(n % base) * place;
  }
  return result;
}

}  // namespace

absl::StatusOr<SettingSpace> SettingSpace::Create(
    std::vector<Parameter> parameters) {
  if (parameters.empty() || parameters.size() > kMostParameters) {
    return absl::InvalidArgumentError(
        absl::StrCat("tuning takes 1 to ", kMostParameters, " parameters, not ",
                     parameters.size()));
  }
  SettingSpace space;
  for (const Parameter& parameter : parameters) {
    const std::vector<int64_t>& values = parameter.values;
    if (values.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("parameter ", parameter.name, " has no values"));
    }
    for (size_t i = 1; i < values.size(); ++i) {
      if (values[i] <= values[i - 1]) {
        return absl::InvalidArgumentError(absl::StrCat(
            "parameter ", parameter.name, ": its values have to ascend, but ",
            values[i], " follows ", values[i - 1]));
      }
    }
    space.strides_.push_back(space.size_);
    space.size_ *= values.size();
    if (space.size_ > kMostSettings) {
      return absl::InvalidArgumentError(
          absl::StrCat("more than ", kMostSettings,
                       " settings: give parameters fewer values"));
    }
  }
  space.parameters_ = std::move(parameters);
  return space;
}

size_t SettingSpace::Rank(size_t index, size_t p) const {
  return index / strides_[p] % parameters_[p].values.size();
}

size_t SettingSpace::WithRank(size_t index, size_t p, size_t rank) const {
  return index - Rank(index, p) * strides_[p] + rank * strides_[p];
}

Setting SettingSpace::At(size_t index) const {
  Setting setting;
  for (size_t p = 0; p < parameters_.size(); ++p) {
    setting.push_back(parameters_[p].values[Rank(index, p)]);
  }
  return setting;
}

Point SettingSpace::PointAt(size_t index) const {
  Point point;
  for (size_t p = 0; p < parameters_.size(); ++p) {
    const size_t last = parameters_[p].values.size() - 1;
    point.push_back(last == 0 ? 0
                              : static_cast<double>(Rank(index, p)) /
                                    static_cast<double>(last));
  }
  return point;
}

size_t SettingSpace::Spread(size_t n) const {
  size_t index = 0;
  size_t base = 0;  // Of the dimensions with a choice.
  for (size_t p = 0; p < parameters_.size(); ++p) {
    const size_t count = parameters_[p].values.size();
    if (count > 1) {
      const double u = RadicalInverse(n + 1, kBases[base++]);
      index +=
          static_cast<size_t>(u * static_cast<double>(count)) * strides_[p];
    }
  }
  return index;
}

}  // namespace opsbench::vector::internal
