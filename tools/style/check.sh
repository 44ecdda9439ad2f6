#!/bin/bash
# What the compiler does not see. Each check prints what it found, and fails.
#
# Usage: check.sh CHECK   (the functions below, without their check_)
set -euo pipefail
cd "$(dirname -- "$(readlink -f -- "$0")")/../.."

# Files of the repository by pattern, new ones included. A container's checkout
# may belong to somebody else, which git does not trust by itself.
files() {
  git -c safe.directory='*' ls-files -co --exclude-standard -- "$@" |
    while read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done
}

# search FLAG… PATTERN: grep in the files on standard input. To find nothing is no
# failure, but grep's own errors are.
search() { xargs sh -c 'grep "$@" || [ $? = 1 ]' sh "$@"; }

# found MESSAGE: fails when there is anything on standard input.
found() {
  lines=$(cat)
  [ -n "$lines" ] || return 0
  printf '%s:\n%s\n' "$1" "$lines"
  exit 1
}

# at_least COUNT PATTERN…: a check of no files would always succeed.
at_least() {
  count=$1
  shift
  [ "$(files "$@" | wc -l)" -ge "$count" ] || {
    echo "fewer than $count files of $*"
    exit 1
  }
}

check_format() {
  files '*.cc' '*.h' | xargs clang-format-14 --dry-run -Werror
}

# Guards say the path; what a file is for stands at its top.
check_headers() {
  files '*.h' | while read -r file; do
    guard=$(printf '%s_' "${file#lib/}" | tr 'a-z/.-' 'A-Z___')
    case $guard in OPSBENCH_*) ;; *) guard=OPSBENCH_$guard ;; esac
    awk -v guard="$guard" '
      NR == 1 && $0 != "#ifndef " guard { bad = "no #ifndef " guard }
      NR == 2 && $0 != "#define " guard { bad = "no #define " guard }
      NR == 4 && !/^\/\/ / { bad = "does not open with what it is for" }
      { last = $0 }
      END {
        if (last != "#endif  // " guard) bad = "does not end with its guard"
        if (bad) print FILENAME ": " bad
      }' "$file"
  done | found 'headers'
  files '*_bench.cc' | while read -r file; do
    sed -n 1p "$file" | grep -q '^// ' || echo "$file"
  done | found 'benchmarks that do not open with what is timed'
}

check_lengths() {
  files '*.cc' '*.h' | xargs wc -l | awk '
    $2 ~ /\.h$/ && $1 > 300 { print $2 ": " $1 " lines, at most 300" }
    $2 ~ /\.cc$/ && $1 > 700 { print $2 ": " $1 " lines, at most 700" }' |
    found 'files that are too long'
}

check_words() {
  files . ':!tools/style/check.sh' | search -nIE \
    '(^|[^[:alnum:]_/.~}])/(work|root|home|Users)/|\b(TODO|FIXME|XXX|HACK)\b' |
    found 'paths of one machine, or work left for later'
  files '*.cc' '*.h' | search -nE 'GTEST_SKIP\(\) *;' |
    found 'tests skipped without a reason'
  files 'lib/*.cc' 'lib/*.h' ':!*_test.cc' |
    search -nE 'std::c(out|err)|\b(std::f?printf|std::puts|absl::F?PrintF)\(' |
    found 'the library never prints'
}

# Each floor uses those below it alone, in the order in which they are built;
# client libraries stay in their adapters; test support stays in tests.
check_layers() {
  floors=$(sed -n 's/^add_subdirectory(\(.*\))/\1/p' lib/opsbench/CMakeLists.txt)
  files 'lib/*.cc' 'lib/*.h' | search -nE '^#include "opsbench/' |
    awk -F '[/:"]' -v floors="$floors" -v areas='memtable sidetable pipeline stress vector' '
      BEGIN {
        count = split(floors, names, "[ \n]+")
        for (i = 1; i <= count; ++i) rank[names[i]] = i
        split(areas, list, " ")
        for (i in list) area[list[i]] = 1
      }
      {
        # lib/opsbench/<user>/….h:<line>:#include "opsbench/<used>/….h"
        user = $3
        match($0, /"opsbench\/[a-z_]+\//)
        used = substr($0, RSTART + 10, RLENGTH - 11)
        test = $0 ~ /^[^:]*(_(test|bench)\.cc|\/testing_[a-z_]*\.h):/
        if (!(used in rank) || !(user in rank)) print "unknown floor: " $0
        else if (used == "testing" && user != used && !test) print
        else if (rank[used] > rank[user] && !test) print
        else if (area[used] && area[user] && used != user) print
      }' | found 'includes of a higher floor'
  # The load on Redis reads replies where they arrive: one more adapter.
  files '*.cc' '*.h' ':!lib/opsbench/db/*' \
    ':!lib/opsbench/vector/internal/redis_*' | search -nE \
    '^#include [<"](mysql|mariadb|cppconn|pqxx|libpq|hiredis|sqlite3)' |
    found 'client libraries outside their adapters'
}

# The code that a document shows is that of the header that it names.
check_examples() {
  shown=$(files '*.md' | search -l '^<!-- code of ')
  [ -n "$shown" ] || {
    echo 'no document shows code'
    exit 1
  }
  files '*.md' | while read -r document; do
    sed -n 's/^<!-- code of \(.*\) -->$/\1/p' "$document" |
      while read -r header; do
        code=$(sed -e '1,3d' -e '/^#endif  \/\/ /d' "$header")
        shown=$(awk -v mark="<!-- code of $header -->" '
          inside && /^```$/ { exit }
          inside
          $0 == mark { marked = 1 }
          marked && /^```cpp$/ { inside = 1 }' "$document")
        if [ -z "$code" ] || [ "$code" != "$shown" ]; then
          echo "$document: $header"
        fi
      done
  done | found 'documents that do not show the code they name'
}

check_scripts() {
  at_least 3 tools/opsbench .ci/run '*.sh'
  files tools/opsbench tools/stage-monitor .ci/run '*.sh' | xargs shellcheck -x
}

check_yaml() {
  at_least 2 '*.yml' '*.yaml'
  files '*.yml' '*.yaml' | xargs yamllint --strict -d '{extends: default,
    rules: {document-start: disable, truthy: {check-keys: false},
    comments: {min-spaces-from-content: 1}, line-length: {max: 100}}}'
}

# The services are well-formed, reachable from this machine alone, and those
# that .env.example names.
check_compose() {
  config=$(docker-compose --env-file .env.example -f docker-compose.yml config)
  printf '%s\n' "$config" | awk '/^ *ports:/ { getline
    if ($0 !~ /^ *- 127\.0\.0\.1:/) print }' |
    found 'ports that are open to the network'
  sed -n 's,^OPSBENCH_.*://.*:\(.*\)@\(.*\)/.*,\1 \2,p' .env.example |
    while read -r password address; do
      for wanted in "$address:" "$password"; do
        case $config in *"$wanted"*) ;; *) echo "$wanted" ;; esac
      done
    done | found '.env.example and docker-compose.yml differ'
  [ "$(grep -c '^OPSBENCH_.*_URL=' .env.example)" = 3 ]
}

case ${1:-} in
  format | headers | lengths | words | layers | examples | scripts | yaml | \
    compose)
    at_least 1 '*.cc'
    at_least 1 '*.h'
    "check_$1"
    ;;
  *)
    sed -n 's/^check_\(.*\)() {/\1/p' "$0" >&2
    exit 2
    ;;
esac
