#ifndef OPSBENCH_VECTOR_INTERNAL_SLOT_MAP_H_
#define OPSBENCH_VECTOR_INTERNAL_SLOT_MAP_H_

// Which node of a cluster has which slot, as far as is known.
//
// Thread safety: a value type.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/url.h"

namespace opsbench::vector::internal {

class SlotMap {
 public:
  static constexpr int kSlots = 16384;
  static constexpr int kNoNode = -1;

  // One node that has all slots: no cluster.
  explicit SlotMap(Url url);

  // Asks the server: a cluster's slots, or the above when it is none. What it
  // says of addresses without a host is of the host that was asked.
  static absl::StatusOr<SlotMap> Read(const Url& url, RedisSession& session);

  bool is_cluster() const { return cluster_; }
  // URLs of the masters that were heard of, by index, which is kept.
  const std::vector<Url>& nodes() const { return nodes_; }

  int Owner(int slot) const { return owners_[static_cast<size_t>(slot)]; }
  void SetOwner(int slot, int node) {
    owners_[static_cast<size_t>(slot)] = static_cast<int16_t>(node);
  }
  // The node at "host:port"; a new one is added. kNoNode: that is no address.
  int NodeAt(absl::string_view address);

  // Takes over what a newer map says.
  void Update(const SlotMap& newer);

 private:
  absl::Status ReadSlots(const RedisReply& slots);
  int NodeAt(const std::string& host, int port);

  Url first_;
  bool cluster_ = false;
  std::vector<Url> nodes_;
  std::array<int16_t, kSlots> owners_;
};

// "MOVED 3999 127.0.0.1:6381" or "ASK …" taken apart.
struct Redirect {
  bool ask = false;
  int slot = 0;
  std::string address;
};
bool ParseRedirect(absl::string_view error, Redirect* redirect);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_SLOT_MAP_H_
