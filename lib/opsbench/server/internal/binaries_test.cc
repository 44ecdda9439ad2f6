#include "opsbench/server/internal/binaries.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::internal {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class BinariesTest : public ::testing::Test {
 protected:
  BinariesTest() {
    std::string path =
        (fs::temp_directory_path() / "opsbench-test-XXXXXX").string();
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    root_ = fs::canonical(path);
  }
  ~BinariesTest() override { fs::remove_all(root_); }

  std::string Program(const std::string& path, fs::perms mode = fs::perms(0755),
                      const std::string& text = "#!/bin/sh\n") {
    const fs::path file = root_ / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
    fs::permissions(file, mode);
    return file.string();
  }
  std::string Folder(const std::string& path) const {
    return (root_ / path).string();
  }

  fs::path root_;
};

TEST_F(BinariesTest, NamesThePackageWhenThereIsNone) {
  const SearchPlaces nowhere = {"", "", root_.string()};
  const std::pair<ServerKind, const char*> cases[] = {
      {ServerKind::kMysql, "mariadb-server-core"},
      {ServerKind::kPostgres, "postgresql-15"},
      {ServerKind::kRedis, "redis-tools"}};
  for (const auto& [kind, package] : cases) {
    const absl::Status status = FindServer(kind, nowhere).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(std::string(status.message()), HasSubstr(package));
  }
}

TEST_F(BinariesTest, PrefersUnpackedTreesThenPathThenDebiansPlaces) {
  SearchPlaces places = {Folder("path"), "", Folder("system")};
  const std::string system = Program("system/usr/sbin/mariadbd");
  EXPECT_EQ(FindServer(ServerKind::kMysql, places)->path, system);
  const std::string path = Program("path/mariadbd");
  EXPECT_EQ(FindServer(ServerKind::kMysql, places)->path, path);
  EXPECT_EQ(FindServer(ServerKind::kMysql, places)->LibraryPath(), "");

  places.engines = Folder("none") + ":" + Folder("tree");
  fs::create_directories(root_ / "tree/usr/lib/x86_64-linux-gnu");
  const std::string tree = Program("tree/usr/sbin/mariadbd");
  auto found = FindServer(ServerKind::kMysql, places);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->path, tree);
  EXPECT_EQ(found->Prefix(), Folder("tree/usr"));
  EXPECT_EQ(found->LibraryPath(), Folder("tree/usr/lib/x86_64-linux-gnu"));
}

TEST_F(BinariesTest, TakesTheNewestPostgresByNumber) {
  Program("usr/lib/postgresql/9/bin/postgres");
  const std::string newest = Program("usr/lib/postgresql/15/bin/postgres");
  Program("usr/lib/postgresql/13/bin/postgres");
  auto found = FindServer(ServerKind::kPostgres, {"", "", root_.string()});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->path, newest);
}

TEST_F(BinariesTest, TakesDebiansCheckRdbForAServerOnlyWhenThereIsNone) {
  const std::string check = Program("usr/bin/redis-check-rdb");
  const SearchPlaces places = {"", "", root_.string()};
  auto found = FindServer(ServerKind::kRedis, places);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->path, check);
  EXPECT_EQ(found->name, "redis-server");
  const std::string server = Program("usr/bin/redis-server");
  EXPECT_EQ(FindServer(ServerKind::kRedis, places)->path, server);
}

TEST_F(BinariesTest, PassesByWhatCannotBeExecutedAndResolvesLinks) {
  Program("path/postgres", fs::perms(0644));
  fs::create_directories(root_ / "other");
  const std::string real = Program("usr/lib/postgresql/15/bin/postgres");
  fs::create_symlink(real, root_ / "other/postgres");
  auto found =
      FindServer(ServerKind::kPostgres,
                 {Folder("path") + ":" + Folder("other"), "", Folder("empty")});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->path, real);
}

TEST_F(BinariesTest, ReadsVersions) {
  EXPECT_EQ(VersionIn("mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 (Debian 12)"),
            "10.11.19");
  EXPECT_EQ(VersionIn("postgres (PostgreSQL) 15.18 (Debian 15.18-0)"), "15.18");
  EXPECT_EQ(VersionIn("Redis server v=7.0.15 sha=00000000:0 bits=64"),
            "7.0.15");
  EXPECT_EQ(VersionIn("Valkey server 64 bits"), "");

  const ServerBinary works = {
      Program("works", fs::perms(0755), "#!/bin/sh\necho \"$1 1.2\"\n"),
      "works", ""};
  auto text = VersionText(works);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, "--version 1.2\n");
  const ServerBinary fails = {
      Program("fails", fs::perms(0755), "#!/bin/sh\nexit 3\n"), "fails", ""};
  EXPECT_EQ(VersionText(fails).status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace opsbench::internal
