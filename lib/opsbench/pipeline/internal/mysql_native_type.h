#ifndef OPSBENCH_PIPELINE_INTERNAL_MYSQL_NATIVE_TYPE_H_
#define OPSBENCH_PIPELINE_INTERNAL_MYSQL_NATIVE_TYPE_H_

// The native types that may stand in a CREATE TABLE of MySQL or MariaDB. They
// come from files, too, so that none is taken on trust.
//
// Thread safety: pure functions.

#include "absl/strings/string_view.h"

namespace opsbench::pipeline::internal {

// Whether `text` is a type that a source of this library tells of, and nothing
// but that:
//
//   name [ "(" numbers or texts ")" ] [ " unsigned" ] [ " zerofill" ]
//     [ " CHARACTER SET " name " COLLATE " name ] [ " COMMENT " text ]
//
// where the first name is one of those that mysql_catalog.h maps.
bool IsMysqlNativeType(absl::string_view text);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_MYSQL_NATIVE_TYPE_H_
