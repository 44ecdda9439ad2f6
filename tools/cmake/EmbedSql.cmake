# opsbench_embed_sql(OUTPUT file.cc FUNCTION opsbench::x::SqlFiles FILES ...)
#
# Writes a source with a table of the SQL files, so that an installed binary
# needs no file beside it. A name is the path below sql/, without ".sql".
function(opsbench_embed_sql)
  cmake_parse_arguments(ARG "" "OUTPUT;NAMESPACE" "FILES" ${ARGN})
  _opsbench_reject_unknown(opsbench_embed_sql)
  set(rows "")
  foreach(file IN LISTS ARG_FILES)
    set(path "${PROJECT_SOURCE_DIR}/sql/${file}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
    file(READ "${path}" content)
    string(REGEX REPLACE "[.]sql$" "" name "${file}")
    string(APPEND rows "    {\"${name}\", R\"sql(${content})sql\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT "${ARG_OUTPUT}" @ONLY CONTENT
"// Generated from sql/ by EmbedSql.cmake.
#include \"opsbench/db/sql_catalog.h\"

namespace @ARG_NAMESPACE@ {

absl::Span<const SqlFile> SqlFiles() {
  static constexpr SqlFile kFiles[] = {
@rows@  };
  return kFiles;
}

}  // namespace @ARG_NAMESPACE@
")
endfunction()
