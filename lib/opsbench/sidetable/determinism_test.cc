// The same seed means the same data and the same requests, whatever compiler,
// platform or process makes them. The hashes were recorded once; both compilers
// run this test. Whoever changes the data raises kSchemaVersion with it.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "opsbench/base/distributions.h"
#include "opsbench/base/random.h"
#include "opsbench/sidetable/generator.h"
#include "opsbench/sidetable/mix.h"
#include "opsbench/sidetable/workload.h"

namespace opsbench::sidetable {
namespace {

// FNV-1a.
class Hash {
 public:
  void Add(absl::string_view bytes) {
    for (const char c : bytes) {
      hash_ = (hash_ ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
    }
  }
  void Add(const NewOperation& made) {
    Add(made.operation.path->text);
    Add(absl::StrCat(made.operation.id, " ", made.operation.created_at_us, " ",
                     made.operation.status));
    Add(made.payload_json);
    Add(made.prefixes_json);
  }
  std::string Hex() const { return absl::StrCat(absl::Hex(hash_)); }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};

TEST(DeterminismTest, DataIsTheSameEverywhere) {
  const Generator generator(1);
  Hash hash;
  NewOperation made;
  for (uint64_t index = 0; index < 20'000; ++index) {
    made.Set(generator.At(index));
    hash.Add(made);
  }
  EXPECT_EQ(hash.Hex(), "dc31ef383ac0926b");
}

// As the load engine draws them: operation i of worker w out of stream
// (seed, w, i), first which one it is, then its arguments.
std::string HashOfRequests(absl::string_view mix_name, uint64_t seed) {
  const std::vector<MixOperation> mix = *ParseMix(mix_name);
  std::vector<double> weights;
  for (const MixOperation& operation : mix) {
    weights.push_back(operation.weight);
  }
  const WeightedChoice choice = *WeightedChoice::Create(weights);
  Hash hash;
  Request request;
  for (uint64_t worker = 0; worker < 4; ++worker) {
    for (uint64_t index = 0; index < 500; ++index) {
      Random random = Random::Stream(seed, worker, index);
      request.Draw(mix[choice(random)], random);
      hash.Add(request.operation->name);
      if (request.insert_count == 0) {
        hash.Add(absl::StrCat(request.path, " ", request.offset));
      }
      for (const NewOperation& made : request.inserts()) hash.Add(made);
    }
  }
  return hash.Hex();
}

TEST(DeterminismTest, RequestsAreTheSameEverywhere) {
  EXPECT_EQ(HashOfRequests("A", 1), "a7ecb8b8493d3245");
  EXPECT_EQ(HashOfRequests("B", 1), "805b6fef63007c5d");
  EXPECT_EQ(HashOfRequests("C", 1), "dc0b879b51f8d1d9");
  EXPECT_EQ(HashOfRequests("D", 1), "d84bc48fda6ea698");
  EXPECT_NE(HashOfRequests("D", 2), HashOfRequests("D", 1));
}

}  // namespace
}  // namespace opsbench::sidetable
