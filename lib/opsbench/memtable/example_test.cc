// The README's example does what it says.

#include "opsbench/memtable/example.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class MemtableExampleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(Engine::kPostgres);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    auto session = Connect(database_->url());
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
    ASSERT_TRUE(session_
                    ->Execute("CREATE TABLE users (id BIGINT PRIMARY KEY, team "
                              "BIGINT NOT NULL, email TEXT NOT NULL)")
                    .ok());
  }

  std::unique_ptr<UserRepository> Open() {
    auto users = std::make_unique<UserRepository>();
    const absl::Status status = users->Open(database_->url());
    EXPECT_TRUE(status.ok()) << status;
    return users;
  }

  int64_t Stored() {
    ResultSet rows;
    EXPECT_TRUE(session_->Query("SELECT COUNT(*) FROM users", &rows).ok());
    return rows.at(0, 0).int64();
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

TEST_F(MemtableExampleTest, ReadsMemoryOverTheDatabase) {
  auto users = Open();
  ASSERT_TRUE(users->Save({1, 7, "one@example.org"}).ok());
  ASSERT_TRUE(users->Save({2, 7, "two@example.org"}).ok());
  ASSERT_TRUE(users->Save({3, 7, "three@example.org"}).ok());
  EXPECT_EQ(users->EmailOf(1).value_or(""), "one@example.org");
  EXPECT_THAT(*users->IdsOf(7), UnorderedElementsAre(1, 2, 3));
  EXPECT_EQ(Stored(), 0);

  // Its end is a flush. The next one finds all in the database,
  users = nullptr;
  EXPECT_EQ(Stored(), 3);
  users = Open();
  EXPECT_EQ(users->EmailOf(2).value_or(""), "two@example.org");
  EXPECT_THAT(*users->IdsOf(7), UnorderedElementsAre(1, 2, 3));

  // and overrules it with what it knows better.
  ASSERT_TRUE(users->Remove(1).ok());
  ASSERT_TRUE(users->Save({2, 8, "moved@example.org"}).ok());
  ASSERT_TRUE(users->Save({3, 7, "still@example.org"}).ok());
  ASSERT_TRUE(users->Save({4, 7, "four@example.org"}).ok());
  EXPECT_EQ(Stored(), 3);
  for (const bool flushed : {false, true}) {
    if (flushed) users = nullptr, users = Open();
    EXPECT_TRUE(absl::IsNotFound(users->EmailOf(1).status()));
    EXPECT_EQ(users->EmailOf(2).value_or(""), "moved@example.org");
    EXPECT_EQ(users->EmailOf(3).value_or(""), "still@example.org");
    EXPECT_TRUE(absl::IsNotFound(users->EmailOf(5).status()));
    EXPECT_THAT(*users->IdsOf(7), UnorderedElementsAre(3, 4));
    EXPECT_THAT(*users->IdsOf(8), UnorderedElementsAre(2));
    EXPECT_THAT(*users->IdsOf(9), IsEmpty());
  }
  EXPECT_EQ(Stored(), 3);
}

}  // namespace
}  // namespace opsbench
