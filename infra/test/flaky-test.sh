#!/bin/sh
# Tests .ci/flaky with the log of a build in which one test was flaky and another one failed twice.

set -eu

repository=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
world=$(mktemp -d)
trap 'rm -rf "$world"' EXIT

cat >"$world/log" <<'LOG'
[INFO] Running p.OneTest
[ERROR] p.OneTest.params(String)[2] -- Time elapsed: 0.070 s <<< FAILURE!
java.lang.AssertionError: 

[the sum of a[1]] 
expected: 1
	at p.Kit.params(Kit.java:13)

[ERROR] p.OneTest.broken -- Time elapsed: 0.1 s <<< ERROR!
java.io.IOException: always
	at p.Kit.broken(Kit.java:20)

[ERROR] p.OneTest.broken -- Time elapsed: 0.1 s <<< ERROR!
java.io.IOException: always
	at p.Kit.broken(Kit.java:20)

[INFO] Results:
[ERROR] Errors: 
[ERROR] p.OneTest.broken
[ERROR]   Run 1: OneTest>Kit.broken:20 always
[ERROR]   Run 2: OneTest>Kit.broken:20 always
[INFO] 
[WARNING] Flakes: 
[WARNING] p.OneTest.params(String)[2]
[ERROR]   Run 1: OneTest>Kit.params:13 [the sum of a[1]]
[INFO]   Run 2: PASS
[INFO] 
[ERROR] Tests run: 6, Failures: 0, Errors: 1, Skipped: 0, Flakes: 1
[WARNING] something else
LOG
cat >"$world/expected" <<'EXPECTED'
FLAKY p.OneTest.params(String)[2]
  java.lang.AssertionError: 
  [the sum of a[1]] 
  expected: 1
  	at p.Kit.params(Kit.java:13)
EXPECTED

"$repository/.ci/flaky" "$world/log" >"$world/said"
diff "$world/expected" "$world/said"
printf '[WARNING] Tests run: 6, Failures: 0, Errors: 0, Skipped: 1\n' >"$world/log"
[ -z "$("$repository/.ci/flaky" "$world/log")" ]
echo "flaky-test: passed"
