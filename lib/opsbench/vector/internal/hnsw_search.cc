#include "opsbench/vector/internal/hnsw_search.h"

#include <limits>

namespace opsbench::vector::internal {
namespace {

constexpr size_t kCacheLine = 64;
// Of a vector, ahead of its turn; of a longer one the processor fetches what
// follows by itself. Half of a vector of 512 bytes is slower than hnswlib is,
// at a small ef.
constexpr size_t kPrefetchBytes = 1'024;

void Prefetch(const void* from, size_t bytes) {
  const char* line = static_cast<const char*>(from);
  for (size_t i = 0; i < bytes; i += kCacheLine) __builtin_prefetch(line + i);
}

}  // namespace

HnswSearch::HnswSearch(const HnswLayout& layout,
                       const DistanceFunction<float>& distance,
                       size_t dimension)
    : layout_(layout),
      distance_(distance),
      prefetch_bytes_(std::min(dimension * sizeof(float), kPrefetchBytes)),
      seen_(layout.size),
      unseen_(layout.vector_offset / sizeof(uint32_t)),
      distances_(unseen_.size()) {}

void HnswSearch::Begin() {
  if (++round_ == 0) {
    std::fill(seen_.begin(), seen_.end(), uint16_t{0});
    round_ = 1;
  }
  to_visit_.clear();
  nearest_.clear();
  limit_ = std::numeric_limits<float>::infinity();
}

uint32_t HnswSearch::Descend(const float* query) const {
  uint32_t node = layout_.entry;
  float nearest = distance_(query, layout_.vector(node));
  for (int level = layout_.top_level; level > 0; --level) {
    for (bool moved = true; moved;) {
      moved = false;
      const uint32_t* const links = layout_.links(node, level);
      const uint32_t count = HnswLayout::CountOf(links);
      for (uint32_t i = 1; i <= count; ++i) {
        Prefetch(layout_.vector(links[i]), prefetch_bytes_);
      }
      for (uint32_t i = 1; i <= count; ++i) {
        const float distance = distance_(query, layout_.vector(links[i]));
        if (distance < nearest) {
          nearest = distance;
          node = links[i];
          moved = true;
        }
      }
    }
  }
  return node;
}

size_t HnswSearch::TakeUnseen(uint32_t node, const float* query) {
  const uint32_t* const links = layout_.links(node);
  const uint32_t count = HnswLayout::CountOf(links);
  for (uint32_t i = 1; i <= count; ++i) __builtin_prefetch(&seen_[links[i]]);
  size_t unseen = 0;
  for (uint32_t i = 1; i <= count; ++i) {
    const uint32_t link = links[i];
    if (seen_[link] == round_) continue;
    seen_[link] = round_;
    Prefetch(layout_.vector(link), prefetch_bytes_);
    unseen_[unseen++] = link;
  }
  for (size_t i = 0; i < unseen; ++i) {
    distances_[i] = distance_(query, layout_.vector(unseen_[i]));
  }
  return unseen;
}

void HnswSearch::Take(size_t k, std::vector<Neighbor>* found) {
  while (nearest_.size() > k) {
    std::pop_heap(nearest_.begin(), nearest_.end(), Nearer());
    nearest_.pop_back();
  }
  found->resize(nearest_.size());
  for (size_t i = 0; i < nearest_.size(); ++i) {
    (*found)[i] = {static_cast<int64_t>(layout_.row(nearest_[i].second)),
                   nearest_[i].first};
  }
  std::sort(found->begin(), found->end());
}

}  // namespace opsbench::vector::internal
