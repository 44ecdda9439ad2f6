#include "opsbench/db/internal/mysql_errors.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace opsbench::internal {
namespace {

absl::StatusCode CodeOf(unsigned number) {
  switch (number) {
    case 2001:  // No socket could be made.
    case 2002:  // No connection through the socket.
    case 2003:  // No connection to host and port.
    case 2005:  // Unknown host.
    case 2006:  // Server has gone away.
    case 2013:  // Lost connection during a query.
    case 2055:  // The same, with the system's error.
    case 1053:  // Server shutdown in progress.
    case 1077:
    case 1080:
    case 1158:  // Errors of reading and writing packets.
    case 1159:
    case 1160:
    case 1161:
    case 1927:  // Connection was killed.
    case 3169:
    case 4031:
      return absl::StatusCode::kUnavailable;
    case 1045:  // Access denied for user.
    case 1698:
    case 1275:
    case 1524:
    case 2059:  // Authentication plugin cannot be loaded.
      return absl::StatusCode::kUnauthenticated;
    case 1044:  // Access denied to database, table, column, routine.
    case 1142:
    case 1143:
    case 1227:
    case 1370:
    case 1290:
    case 1836:
      return absl::StatusCode::kPermissionDenied;
    case 1049:  // Unknown database, table, column, procedure, key.
    case 1051:
    case 1054:
    case 1091:
    case 1109:
    case 1146:
    case 1176:
    case 1305:
      return absl::StatusCode::kNotFound;
    case 1007:
    case 1050:
    case 1061:
    case 1062:
    case 1169:
    case 1304:
    case 1557:
    case 1586:
      return absl::StatusCode::kAlreadyExists;
    case 1213:
      return absl::StatusCode::kAborted;
    case 1205:
    case 1969:
    case 3024:
      return absl::StatusCode::kDeadlineExceeded;
    case 3:  // Error writing file, with the system's error.
    case 28:
    case 1021:  // Disk full.
    case 1037:
    case 1038:
    case 1040:  // Too many connections.
    case 1041:
    case 1114:  // Table is full.
    case 1203:
    case 1226:
    case 2008:  // Client out of memory.
      return absl::StatusCode::kResourceExhausted;
    case 1317:
    case 1925:
      return absl::StatusCode::kCancelled;
    case 1235:
    case 1148:  // LOAD DATA LOCAL is off.
    case 3948:
    case 4166:
      return absl::StatusCode::kUnimplemented;
    case 1048:  // NULL, syntax, types, lengths, ranges, checks.
    case 1064:
    case 1065:
    case 1136:
    case 1149:
    case 1210:
    case 1216:
    case 1217:
    case 1261:
    case 1262:
    case 1264:
    case 1265:
    case 1292:
    case 1364:
    case 1366:
    case 1367:
    case 1406:
    case 1411:
    case 1451:
    case 1452:
    case 3140:
    case 3141:
    case 3819:
    case 4025:
      return absl::StatusCode::kInvalidArgument;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status StatusOfMysqlError(unsigned number, absl::string_view text) {
  return absl::Status(CodeOf(number),
                      absl::StrCat("MySQL: ", text, " (", number, ")"));
}

void ParseMysqlVersion(absl::string_view text, Capabilities* capabilities) {
  const bool mariadb = absl::StrContains(text, "MariaDB");
  if (mariadb) absl::ConsumePrefix(&text, "5.5.5-");
  capabilities->engine = Engine::kMysql;
  capabilities->flavour = mariadb ? "MariaDB" : "MySQL";
  capabilities->version = std::string(text);
  capabilities->version_number = 0;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(text.substr(0, text.find('-')), '.');
  for (size_t i = 0; i < 3; ++i) {
    int part = 0;
    if (i < parts.size() && !absl::SimpleAtoi(parts[i], &part)) part = 0;
    capabilities->version_number = capabilities->version_number * 100 + part;
  }
  const int number = capabilities->version_number;
  capabilities->bulk_binding = mariadb && number >= 100206;
  capabilities->descending_index = mariadb ? number >= 100800 : number >= 80000;
}

}  // namespace opsbench::internal
