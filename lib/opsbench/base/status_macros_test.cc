#include "opsbench/base/status_macros.h"

#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace opsbench {
namespace {

template <typename A, typename B>
absl::StatusOr<std::map<A, B>> Single(A key, B value) {
  return std::map<A, B>{{key, value}};
}

TEST(StatusMacrosTest, GoesOnAfterSuccess) {
  int calls = 0;
  const auto function = [&]() -> absl::Status {
    OPSBENCH_RETURN_IF_ERROR((++calls, absl::OkStatus()));
    ++calls;
    return absl::AbortedError("the end");
  };
  EXPECT_EQ(function(), absl::AbortedError("the end"));
  EXPECT_EQ(calls, 2);
}

TEST(StatusMacrosTest, ReturnsTheErrorAtOnce) {
  int calls = 0;
  const auto fail = [&] {
    ++calls;
    return absl::NotFoundError("no such table");
  };
  bool went_on = false;
  const auto function = [&]() -> absl::Status {
    OPSBENCH_RETURN_IF_ERROR(fail());
    went_on = true;
    return absl::OkStatus();
  };
  EXPECT_EQ(function(), absl::NotFoundError("no such table"));
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(went_on);
}

TEST(StatusMacrosTest, AssignsTheValue) {
  int calls = 0;
  const auto make = [&]() -> absl::StatusOr<std::unique_ptr<int>> {
    ++calls;
    return std::make_unique<int>(7);
  };
  const auto function = [&]() -> absl::StatusOr<int> {
    OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<int> declared, make());
    std::unique_ptr<int> assigned;
    OPSBENCH_ASSIGN_OR_RETURN(assigned, make());
    return *declared * 10 + *assigned;
  };
  const absl::StatusOr<int> result = function();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(*result, 77);
  EXPECT_EQ(calls, 2);
}

TEST(StatusMacrosTest, AssignsNothingFromAnError) {
  int calls = 0;
  int value = 1;
  const auto fail = [&]() -> absl::StatusOr<int> {
    ++calls;
    return absl::DataLossError("torn page");
  };
  const auto function = [&]() -> absl::StatusOr<std::string> {
    OPSBENCH_ASSIGN_OR_RETURN(value, fail());
    value = 2;
    return "went on";
  };
  EXPECT_EQ(function().status(), absl::DataLossError("torn page"));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(value, 1);
}

// The outer use must not shadow what the inner one declares: -Wshadow is an
// error here, also where both come to stand on one line.
TEST(StatusMacrosTest, NestsInLambdas) {
  const auto apply = [](auto function) { return function(); };
  const auto function = [&](absl::Status inner) -> absl::StatusOr<int> {
    OPSBENCH_RETURN_IF_ERROR(apply([&]() -> absl::Status {
      OPSBENCH_RETURN_IF_ERROR(inner);
      return absl::OkStatus();
    }));
    OPSBENCH_ASSIGN_OR_RETURN(
        const int value, apply([&]() -> absl::StatusOr<int> {
          OPSBENCH_ASSIGN_OR_RETURN(const int deep, absl::StatusOr<int>(3));
          return deep + 1;
        }));
    return value;
  };
  EXPECT_EQ(function(absl::OkStatus()).value(), 4);
  EXPECT_EQ(function(absl::CancelledError("stop")).status(),
            absl::CancelledError("stop"));
}

TEST(StatusMacrosTest, TakesCommasAndBareBranches) {
  const auto function = [](bool fail) -> absl::StatusOr<int> {
    if (fail)
      OPSBENCH_RETURN_IF_ERROR(Single<int, int>(1, 2).status());
    else
      OPSBENCH_RETURN_IF_ERROR(absl::InternalError("else"));
    OPSBENCH_ASSIGN_OR_RETURN(const auto map, Single<int, int>(1, 2));
    return map.at(1);
  };
  EXPECT_EQ(function(true).value(), 2);
  EXPECT_EQ(function(false).status(), absl::InternalError("else"));
}

}  // namespace
}  // namespace opsbench
