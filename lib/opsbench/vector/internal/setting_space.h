#ifndef OPSBENCH_VECTOR_INTERNAL_SETTING_SPACE_H_
#define OPSBENCH_VECTOR_INTERNAL_SETTING_SPACE_H_

// All combinations of parameter values, numbered.
//
// Thread safety: const after creation, may be shared.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "opsbench/vector/internal/response_surface.h"
#include "opsbench/vector/tuner.h"

namespace opsbench::vector::internal {

class SettingSpace {
 public:
  // InvalidArgument: as Tune() says of parameters.
  static absl::StatusOr<SettingSpace> Create(std::vector<Parameter> parameters);

  size_t size() const { return size_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }

  Setting At(size_t index) const;

  // The rank of each value, scaled to [0, 1]: who asks for 1, 2, 4, 8 means
  // steps that are equally large.
  Point PointAt(size_t index) const;

  // The rank of parameter `p`'s value.
  size_t Rank(size_t index, size_t p) const;
  size_t WithRank(size_t index, size_t p, size_t rank) const;

  // The n-th of a sequence that fills the space evenly from its middle on
  // (Halton, "On the efficiency of certain quasi-random sequences of points",
  // 1960). May repeat itself.
  size_t Spread(size_t n) const;

 private:
  std::vector<Parameter> parameters_;
  std::vector<size_t> strides_;
  size_t size_ = 1;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_SETTING_SPACE_H_
