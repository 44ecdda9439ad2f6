#include "opsbench/db/internal/mysql_errors.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/internal/mysql_server.h"

namespace opsbench::internal {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

TEST(MysqlErrorsTest, EachNumberHasTheCodeOfTheContract) {
  const std::pair<unsigned, Code> cases[] = {
      {2002, Code::kUnavailable},       {2003, Code::kUnavailable},
      {2005, Code::kUnavailable},       {2006, Code::kUnavailable},
      {2013, Code::kUnavailable},       {1053, Code::kUnavailable},
      {1077, Code::kUnavailable},       {1927, Code::kUnavailable},
      {1045, Code::kUnauthenticated},   {1698, Code::kUnauthenticated},
      {2059, Code::kUnauthenticated},   {1044, Code::kPermissionDenied},
      {1142, Code::kPermissionDenied},  {1227, Code::kPermissionDenied},
      {1370, Code::kPermissionDenied},  {1049, Code::kNotFound},
      {1051, Code::kNotFound},          {1054, Code::kNotFound},
      {1146, Code::kNotFound},          {1305, Code::kNotFound},
      {1007, Code::kAlreadyExists},     {1050, Code::kAlreadyExists},
      {1062, Code::kAlreadyExists},     {1117, Code::kInvalidArgument},
      {1118, Code::kInvalidArgument},   {1304, Code::kAlreadyExists},
      {1586, Code::kAlreadyExists},     {1048, Code::kInvalidArgument},
      {1064, Code::kInvalidArgument},   {1263, Code::kInvalidArgument},
      {1264, Code::kInvalidArgument},   {1265, Code::kInvalidArgument},
      {1292, Code::kInvalidArgument},   {1364, Code::kInvalidArgument},
      {1366, Code::kInvalidArgument},   {1406, Code::kInvalidArgument},
      {1452, Code::kInvalidArgument},   {1644, Code::kInvalidArgument},
      {3819, Code::kInvalidArgument},   {4025, Code::kInvalidArgument},
      {1213, Code::kAborted},           {1205, Code::kDeadlineExceeded},
      {1969, Code::kDeadlineExceeded},  {3024, Code::kDeadlineExceeded},
      {1021, Code::kResourceExhausted}, {1037, Code::kResourceExhausted},
      {1040, Code::kResourceExhausted}, {1041, Code::kResourceExhausted},
      {1114, Code::kResourceExhausted}, {1203, Code::kResourceExhausted},
      {1317, Code::kCancelled},         {1148, Code::kUnimplemented},
      {1235, Code::kUnimplemented},     {3948, Code::kUnimplemented},
      {4166, Code::kUnimplemented},     {65000, Code::kInternal},
  };
  for (const auto& [number, code] : cases) {
    EXPECT_EQ(StatusOfMysqlError(number, "text").code(), code) << number;
  }
}

TEST(MysqlErrorsTest, TheMessageHoldsTheServersTextAndNumber) {
  EXPECT_EQ(StatusOfMysqlError(1062, "Duplicate entry '7'").message(),
            "MySQL: Duplicate entry '7' (1062)");
}

// A full disk comes wrapped in errors that say no more than "it failed".
TEST(MysqlErrorsTest, AFullDiskIsFoundInTheTextOfOtherErrors) {
  const std::string full[] = {
      "Error writing file './a.ibd' (Errcode: 28 \"No space left on device\")",
      "Got error 28 \"No space left on device\" from storage engine InnoDB",
      "Can't create table `a`.`b` (errno: 28 \"No space left on device\")",
  };
  for (const unsigned number : {3u, 1005u, 1026u, 1030u}) {
    for (const std::string& text : full) {
      EXPECT_EQ(StatusOfMysqlError(number, text).code(),
                Code::kResourceExhausted)
          << number << text;
    }
    EXPECT_EQ(StatusOfMysqlError(number, "Got error 122 (128)").code(),
              Code::kInternal)
        << number;
  }
}

TEST(MysqlServerTest, ReadsTheVersionsThatServersGive) {
  const struct {
    const char* text;
    const char* flavour;
    const char* version;
    int number;
    bool descending_index;
  } cases[] = {
      {"8.4.3", "MySQL", "8.4.3", 80403, true},
      {"8.0.36-0ubuntu0.22.04.1", "MySQL", "8.0.36-0ubuntu0.22.04.1", 80036,
       true},
      {"8.0.35-27", "MySQL", "8.0.35-27", 80035, true},
      {"8.0.mysql_aurora.3.05.2", "MySQL", "8.0.mysql_aurora.3.05.2", 80000,
       true},
      {"5.7.44-log", "MySQL", "5.7.44-log", 50744, false},
      {"9.1.0-commercial", "MySQL", "9.1.0-commercial", 90100, true},
      {"10.11.6-MariaDB", "MariaDB", "10.11.6-MariaDB", 101106, true},
      {"5.5.5-10.11.6-MariaDB-1:10.11.6+maria~ubu2204-log", "MariaDB",
       "10.11.6-MariaDB-1:10.11.6+maria~ubu2204-log", 101106, true},
      {"5.5.5-10.5.23-MariaDB-0+deb11u1", "MariaDB",
       "10.5.23-MariaDB-0+deb11u1", 100523, false},
      {"11.4.2-MariaDB-ubu2404", "MariaDB", "11.4.2-MariaDB-ubu2404", 110402,
       true},
  };
  for (const auto& expected : cases) {
    Capabilities capabilities;
    ASSERT_TRUE(ParseMysqlVersion(expected.text, &capabilities).ok())
        << expected.text;
    EXPECT_EQ(capabilities.engine, Engine::kMysql);
    EXPECT_EQ(capabilities.flavour, expected.flavour);
    EXPECT_EQ(capabilities.version, expected.version);
    EXPECT_EQ(capabilities.version_number, expected.number) << expected.text;
    EXPECT_EQ(capabilities.descending_index, expected.descending_index)
        << expected.text;
  }
}

TEST(MysqlServerTest, AVersionWithoutANumberIsAnError) {
  Capabilities capabilities;
  for (const char* text : {"", "unknown", "-MariaDB"}) {
    EXPECT_EQ(ParseMysqlVersion(text, &capabilities).code(), Code::kInternal)
        << text;
  }
}

TEST(MysqlServerTest, AnUnknownParameterOfTheUrlIsNamed) {
  Url url;
  EXPECT_TRUE(CheckMysqlUrl(url).ok());
  url.parameters["sockte"] = "/tmp/s";
  const absl::Status status = CheckMysqlUrl(url);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("sockte"));
}

}  // namespace
}  // namespace opsbench::internal
