#include "opsbench/vector/dataset.h"

namespace opsbench::vector {

bool Attributes::Matches(const Filter& filter, size_t row) const {
  if (filter.by_tag) return tags[row] == filter.tag;
  if (filter.by_number) {
    return numbers[row] >= filter.number_low &&
           numbers[row] < filter.number_high;
  }
  return true;
}

}  // namespace opsbench::vector
