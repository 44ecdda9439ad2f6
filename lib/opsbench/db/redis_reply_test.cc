#include "opsbench/db/redis_reply.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace opsbench {
namespace {

using Type = RedisReply::Type;

TEST(RedisReplyReader, TakesBytesAsTheyCome) {
  const std::string bytes =
      "*4\r\n:-7\r\n$5\r\na\r\nb\n\r\n*2\r\n$-1\r\n+OK\r\n-ERR no\r\n:5\r\n";
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    RedisReplyReader reader;
    std::vector<RedisReplyPtr> replies;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      reader.Feed(absl::string_view(bytes).substr(at, piece));
      while (true) {
        auto reply = reader.Next();
        ASSERT_TRUE(reply.ok()) << reply.status();
        if (*reply == nullptr) break;
        replies.push_back(*std::move(reply));
      }
    }
    ASSERT_EQ(replies.size(), 2U);
    const RedisReplyView array = *replies[0];
    ASSERT_EQ(array.type(), Type::kArray);
    ASSERT_EQ(array.size(), 4U);
    EXPECT_EQ(array[0].type(), Type::kInteger);
    EXPECT_EQ(array[0].integer(), -7);
    EXPECT_EQ(array[1].text(), "a\r\nb\n");
    EXPECT_EQ(array[2].size(), 2U);
    EXPECT_EQ(array[2][0].type(), Type::kNil);
    EXPECT_EQ(array[2][1].type(), Type::kText);
    EXPECT_EQ(array[3].type(), Type::kError);
    EXPECT_EQ(array[3].text(), "ERR no");
    EXPECT_EQ(RedisReplyView(*replies[1]).integer(), 5);
  }
}

TEST(RedisReplyReader, WhatIsNoRespIsAnErrorThatStays) {
  RedisReplyReader reader;
  reader.Feed("HTTP/1.1 400\r\n");
  EXPECT_EQ(reader.Next().status().code(), absl::StatusCode::kInternal);
  reader.Feed(":1\r\n");
  EXPECT_EQ(reader.Next().status().code(), absl::StatusCode::kInternal);
}

TEST(RedisReplyView, OtherKindsHaveNoTextNumberOrElements) {
  RedisReplyReader reader;
  reader.Feed(":5\r\n$1\r\na\r\n*0\r\n");
  const RedisReplyPtr integer = *reader.Next();
  EXPECT_EQ(RedisReplyView(*integer).text(), "");
  EXPECT_EQ(RedisReplyView(*integer).size(), 0U);
  const RedisReplyPtr text = *reader.Next();
  EXPECT_EQ(RedisReplyView(*text).integer(), 0);
  const RedisReplyPtr array = *reader.Next();
  EXPECT_EQ(RedisReplyView(*array).size(), 0U);
}

}  // namespace
}  // namespace opsbench
