// Whose keys are, on a cluster of three private masters: each one has to be
// looked at, and each row removed where it is.

#include "opsbench/vector/internal/redis_owner.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/vector/internal/redis_rows.h"
#include "opsbench/vector/testing_redis_cluster.h"

namespace opsbench::vector::internal {
namespace {

using Code = absl::StatusCode;

constexpr int kMasters = 3;
constexpr int kRows = 300;
const char* const kVector = "sixteen bytes is";  // Of dimension 4.

IndexMark Mark(std::string kind) {
  IndexMark mark;
  mark.kind = std::move(kind);
  mark.rows = kRows;
  mark.dimension = 4;
  mark.metric = "l2";
  return mark;
}

class RedisOwnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto cluster = TestingRedisCluster::Start(kMasters);
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = *std::move(cluster);
  }

  std::unique_ptr<RedisOwner> Owner(const std::string& kind) {
    auto owner = RedisOwner::Connect(cluster_->url(0), "products", kind);
    EXPECT_TRUE(owner.ok()) << owner.status();
    return *std::move(owner);
  }

  // Writes a key on the master that has it, and says which that is.
  int Write(const std::vector<std::string>& command) {
    for (int master = 0; master < kMasters; ++master) {
      if (cluster_->Execute(master, command).ok()) return master;
    }
    ADD_FAILURE() << command[1] << " cannot be written";
    return -1;
  }

  std::string Read(int master, const std::string& key) {
    const auto reply = cluster_->Execute(master, {"GET", key});
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? reply->text : "";
  }

  int64_t Keys() {
    int64_t keys = 0;
    for (int master = 0; master < kMasters; ++master) {
      keys += cluster_->Execute(master, {"DBSIZE"})->integer;
    }
    return keys;
  }

  void WriteRows() {
    for (int row = 0; row < kRows; ++row) {
      Write({"HSET", absl::StrCat("products:", row), "v", kVector});
    }
  }

  std::unique_ptr<TestingRedisCluster> cluster_;
};

TEST_F(RedisOwnerTest, AForeignKeyIsFoundOnEveryMaster) {
  const auto owner = Owner("redis_search");
  EXPECT_EQ(*owner->FindForeign(absl::nullopt), "");
  std::map<int, int> planted;
  for (int i = 0; planted.size() < kMasters; ++i) {
    const std::string key = absl::StrCat("products:mine", i);
    const int master = Write({"SET", key, "mine"});
    ++planted[master];
    for (const auto& mark : {absl::optional<IndexMark>(),
                             absl::optional<IndexMark>(Mark("redis_search"))}) {
      EXPECT_EQ(*owner->FindForeign(mark),
                absl::StrCat("key ", key, " (string)"));
    }
    EXPECT_EQ(Read(master, key), "mine");
    Write({"DEL", key});
  }
}

TEST_F(RedisOwnerTest, RowsAreRemovedWhereTheyAreAndNothingElse) {
  WriteRows();
  for (const char* near :
       {"products", "products0:1", "products:300", "other:1"}) {
    Write({"SET", near, "mine"});
  }
  const auto owner = Owner("redis_search");
  EXPECT_NE(*owner->FindForeign(absl::nullopt), "");
  EXPECT_EQ(*owner->FindForeign(Mark("redis_search")),
            "key products:300 (string)");
  const absl::Status removed = owner->RemoveOurs(Mark("redis_search"));
  EXPECT_TRUE(removed.ok()) << removed;
  EXPECT_EQ(Keys(), 4);
}

// Before any row is removed.
TEST_F(RedisOwnerTest, AKeyThatIsNoRowKeepsAllRows) {
  WriteRows();
  for (const std::vector<std::string>& plant :
       {std::vector<std::string>{"SET", "products:7", "mine"},
        {"HSET", "products:7", "v", "mine"},
        {"HSET", "products:7", "name", "mine"},
        {"HSET", "products:7", "v", kVector, "name", "mine"},
        {"RPUSH", "products:7", "mine"}}) {
    Write({"DEL", "products:7"});
    Write(plant);
    const absl::Status removed =
        Owner("redis_search")->RemoveOurs(Mark("redis_search"));
    EXPECT_EQ(removed.code(), Code::kFailedPrecondition) << removed;
    EXPECT_THAT(std::string(removed.message()),
                ::testing::HasSubstr("key products:7"));
    EXPECT_EQ(Keys(), kRows);
  }
}

TEST_F(RedisOwnerTest, AVectorSetIsOnOneMasterAndItsNameMayBeTaken) {
  const auto owner = Owner(kVectorSetKind);
  EXPECT_EQ(*owner->FindForeign(absl::nullopt), "");
  const int master = Write({"SET", "products", "my ledger"});
  for (const auto& mark : {absl::optional<IndexMark>(),
                           absl::optional<IndexMark>(Mark(kVectorSetKind))}) {
    EXPECT_EQ(*owner->FindForeign(mark), "key products (string)");
  }
  EXPECT_EQ(owner->RemoveOurs(Mark(kVectorSetKind)).code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(Read(master, "products"), "my ledger");
}

TEST_F(RedisOwnerTest, TheMarkIsReadAsItWasWritten) {
  const auto owner = Owner("redis_search");
  EXPECT_FALSE(owner->ReadMark()->ours.has_value());
  IndexMark mark = Mark("redis_search");
  mark.options = "m:16,ef_construction:200";
  mark.content = 0xfedcba9876543210;
  mark.complete = true;
  ASSERT_TRUE(owner->WriteMark(mark).ok());
  const auto read = owner->ReadMark();
  ASSERT_TRUE(read.ok() && read->ours.has_value());
  EXPECT_TRUE(read->ours->SameIndex(mark));
  EXPECT_TRUE(read->ours->complete);
  for (const char* other :
       {"", "mine", "opsbench: vector load", "opsbench: sidetable seed",
        "opsbench: vector load; index=x data=y rows=1 dimension=1"}) {
    Write({"SET", "opsbench:index:products", other});
    const auto foreign = owner->ReadMark();
    ASSERT_TRUE(foreign.ok()) << foreign.status();
    EXPECT_FALSE(foreign->ours.has_value()) << other;
    EXPECT_EQ(foreign->foreign, "key opsbench:index:products (string)");
  }
}

}  // namespace
}  // namespace opsbench::vector::internal
