#!/bin/sh
# Tests that check.sh can fail: in a small repository where all is well, every
# check passes; with one thing wrong, the check for it does not.
#
# Usage: check_test.sh <root of the sources>
set -eu

root=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
mkdir -p .ci tools/style lib/opsbench/base lib/opsbench/db lib/opsbench/testing
cp "$root/tools/style/check.sh" tools/style/
printf '#!/bin/sh\ntrue\n' >second.sh
cp "$root/docker-compose.yml" "$root/.env.example" "$root/.clang-format" .
cp "$root/tools/opsbench" tools/
cp "$root/.ci/run" .ci/
echo 'key: value' >second.yml
printf 'add_subdirectory(%s)\n' base db testing >lib/opsbench/CMakeLists.txt
printf '%s\n' '#include "opsbench/base/a.h"' '' 'int F() { return 0; }' \
  >lib/opsbench/base/a.cc
header() {
  printf '#ifndef %s\n#define %s\n\n%s\n\n#endif  // %s\n' "$1" "$1" "$2" "$1"
}
header OPSBENCH_BASE_A_H_ '// What it is for.' >lib/opsbench/base/a.h
git init -q .

passes() {
  tools/style/check.sh "$1" >log 2>&1 || {
    echo "check.sh $1 fails where nothing is wrong:"
    cat log
    exit 1
  }
}
# fails CHECK WORD FILE: the file's new content is on standard input.
fails() {
  [ ! -e "$3" ] || cp "$3" kept
  cat >"$3"
  if tools/style/check.sh "$1" >log 2>&1 || ! grep -q "$2" log; then
    echo "check.sh $1 does not tell of $2 in $3:"
    cat "$3" log
    exit 1
  fi
  rm "$3"
  [ ! -e kept ] || mv kept "$3"
}

# Shows standard input as the code of a.h.
document() {
  printf '%s\n' '<!-- code of lib/opsbench/base/a.h -->' '```cpp' \
    "$(cat)" '```'
}
echo '// What it is for.' | document >shown.md

for check in format headers lengths words layers examples scripts yaml \
  compose; do
  passes "$check"
done

echo 'int  F();' | fails format a.cc lib/opsbench/base/a.cc
header OPSBENCH_A_H_ '// What for.' | fails headers a.h lib/opsbench/base/a.h
header OPSBENCH_BASE_A_H_ 'int F();' | fails headers a.h lib/opsbench/base/a.h
echo 'int F();' | fails headers a_bench lib/opsbench/base/a_bench.cc
seq 1 301 | fails lengths a.h lib/opsbench/base/a.h
seq 1 701 | fails lengths a.cc lib/opsbench/base/a.cc
echo 'open("/ro''ot/data");' | fails words data lib/opsbench/base/a.cc
echo '// TO''DO: later' | fails words later lib/opsbench/base/a.cc
echo 'GTEST_SKIP();' | fails words SKIP lib/opsbench/base/a_test.cc
echo 'std::cout << 1;' | fails words cout lib/opsbench/base/a.cc
echo '#include "opsbench/db/url.h"' | fails layers db lib/opsbench/base/a.cc
echo '#include "opsbench/testing/a.h"' |
  fails layers testing lib/opsbench/db/a.cc
echo '#include <mysql.h>' | fails layers mysql lib/opsbench/base/a.cc
echo '// What it was for.' | document | fails examples a.h shown.md
header OPSBENCH_BASE_A_H_ '// What for.' |
  fails examples shown.md lib/opsbench/base/a.h
# shellcheck disable=SC2016 # Meant to stand in the file as it is.
printf '#!/bin/sh\nrm $1\n' | fails scripts SC second.sh
echo 'key:   value' | fails yaml spaces second.yml
sed 's/"127\.0\.0\.1:/"/' "$root/docker-compose.yml" |
  fails compose network docker-compose.yml
sed 's/@127\.0\.0\.1:3306/@127.0.0.1:3307/' "$root/.env.example" |
  fails compose 3307 .env.example
echo 'all cases passed'
