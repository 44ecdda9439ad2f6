#ifndef OPSBENCH_TOOLS_CLI_SIDETABLE_TESTING_H_
#define OPSBENCH_TOOLS_CLI_SIDETABLE_TESTING_H_

// For tests of `opsbench sidetable`: runs its subcommands in a folder of the
// test's own.
//
// Thread safety: for one thread.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "testing.h"

namespace opsbench {

class SidetableCommandTest : public ::testing::Test {
 protected:
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path database() const { return folder() / "side.db"; }

  std::vector<std::string> Arguments(absl::string_view text,
                                     const std::string& url) const {
    std::vector<std::string> arguments = {"sidetable"};
    for (const absl::string_view word :
         absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      arguments.emplace_back(word);
    }
    if (!url.empty()) arguments.insert(arguments.end(), {"--url", url});
    return arguments;
  }

  // `opsbench sidetable <text> --url <url>`, with its state in the folder.
  Outcome Sidetable(absl::string_view text, const std::string& url) const {
    return RunOpsbench(folder(), Arguments(text, url), Variables());
  }
  Outcome OnSqlite(absl::string_view text) const {
    return Sidetable(text, SqliteUrl());
  }

  std::string SqliteUrl() const {
    return absl::StrCat("sqlite:", database().string());
  }
  std::vector<std::string> Variables() const {
    return {absl::StrCat("OPSBENCH_ROOT=", folder().string())};
  }

  // The first number of a query on the SQLite database; -1 while it is locked
  // or not there.
  int64_t Count(const std::string& sql) const {
    Url url;
    url.database = database().string();
    ConnectOptions options;
    options.create_if_missing = false;
    const auto session = Connect(url, options);
    ResultSet rows;
    if (!session.ok() || !(*session)->Query(sql, &rows).ok() ||
        rows.row_count() == 0) {
      return -1;
    }
    return rows.at(0, 0).int64();
  }

 private:
  const TestFolder folder_;
};

inline void ExpectOneLine(const std::string& errors) {
  EXPECT_THAT(errors, ::testing::StartsWith("opsbench: "));
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
}

}  // namespace opsbench

#endif  // OPSBENCH_TOOLS_CLI_SIDETABLE_TESTING_H_
