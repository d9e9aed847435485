#!/bin/sh
# Tests mvnw, each branch in a world of its own: a HOME, a PATH and JDKs and Mavens made for it.

set -u

repository=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
world=$(mktemp -d)
world=$(CDPATH='' cd -- "$world" && pwd -P)
trap 'rm -rf "$world"' EXIT
failures=0

# A copy in a folder with a space, started from elsewhere: mvnw has to find its own repository.
mkdir -p "$world/a repository"
cp "$repository/mvnw" "$world/a repository/mvnw"

# The only tools there are.
mkdir "$world/tools"
for tool in cat chmod dirname head mkdir mktemp mv readlink rm sed sh sleep; do
  ln -s "$(command -v "$tool")" "$world/tools/$tool"
done

# jdk FOLDER VERSION: a JDK that only has a version.
jdk() {
  mkdir -p "$1/bin"
  printf 'IMPLEMENTOR="Test"\nJAVA_VERSION="%s"\n' "$2" >"$1/release"
  printf '#!/bin/sh\n' >"$1/bin/java"
  printf '#!/bin/sh\n' >"$1/bin/javac"
  chmod +x "$1/bin/java" "$1/bin/javac"
}

# maven FOLDER VERSION: says how it was run; "brings" Maven by copying itself, slowly.
maven() {
  mkdir -p "$1"
  cat >"$1/mvn" <<END
#!/bin/sh
case "\$*" in
  *--version*) echo "Apache Maven $2 (test)" ;;
  *dependency-plugin*unpack*)
    echo "\$*" >>'$world/brought'
    [ ! -e '$world/unreachable' ] || { echo 'no route to any repository' >&2; exit 1; }
    for argument; do
      case \$argument in -DoutputDirectory=*) to=\${argument#*=}/apache-maven-3.9.11/bin ;; esac
    done
    mkdir -p "\$to"
    sleep 0.2
    sed 's/Maven $2/Maven 3.9.11/' "\$0" >"\$to/mvn"
    ;;
  *)
    echo "mvn=\$0"
    echo "java=\$JAVA_HOME"
    echo "in=\$(pwd -P)"
    echo "opts=\$MAVEN_OPTS"
    for argument; do echo "argument=\$argument"; done
    exit 7
    ;;
esac
END
  chmod +x "$1/mvn"
}

fresh() {
  rm -rf "$world/home" "$world/path" "$world/jdks" "$world/brought" "$world/unreachable"
  mkdir -p "$world/home" "$world/path" "$world/jdks"
  java_home=''
}

# Runs mvnw in the world as it is; sets output and status.
run() {
  output=$(cd / && env -i HOME="$world/home" PATH="$world/path:$world/tools" \
    ${java_home:+JAVA_HOME="$java_home"} SLUICE_JDK_PLACES="$world/jdks/*" MAVEN_OPTS=-Xmx1g \
    "$world/a repository/mvnw" "$@" 2>&1)
  status=$?
}

# expect NAME STATUS LINE...: the status, and each line as a part of the output.
expect() {
  name=$1
  wanted=$2
  shift 2
  problem=''
  [ "$status" -eq "$wanted" ] || problem="exit code $status, not $wanted"
  for line; do
    case $output in
      *"$line"*) ;;
      *) problem="$problem; no '$line'" ;;
    esac
  done
  if [ -n "$problem" ]; then
    failures=$((failures + 1))
    printf 'mvnw-test: %s: %s. Output:\n%s\n' "$name" "$problem" "$output" >&2
  fi
}

fresh
jdk "$world/jdks/jdk" 25.0.1
java_home=$world/jdks/jdk
maven "$world/path" 3.9.6
run -pl shared 'an argument' -Dx='a  b'
expect 'everything is there' 7 "mvn=$world/path/mvn" "java=$world/jdks/jdk" \
  "in=$world/a repository" '--sun-misc-unsafe-memory-access=allow -Xmx1g' 'argument=an argument' \
  'argument=-Dx=a  b'

fresh
jdk "$world/home/old" 1.8.0_392
jdk "$world/jdks/b" 26-ea
java_home=$world/home/old
maven "$world/path" 4.0.0
run verify
expect 'JAVA_HOME is too old, a usual place is not' 7 "mvn=$world/path/mvn" "java=$world/jdks/b"

fresh
jdk "$world/home/there" 25
ln -s "$world/home/there/bin/java" "$world/home/java"
ln -s ../home/java "$world/path/java"
maven "$world/path" 3.10.1
run verify
expect 'java on PATH through links' 7 "java=$world/home/there"

fresh
jdk "$world/home/.sdkman/candidates/java/25.0.2-tem" 25.0.2
maven "$world/path" 3.9.0
run verify
expect 'SDKMAN' 7 "java=$world/home/.sdkman/candidates/java/25.0.2-tem"

fresh
jdk "$world/home/.jdks/temurin-25" 25.0.2
maven "$world/path" 3.9.0
run verify
expect '.jdks' 7 "java=$world/home/.jdks/temurin-25"

fresh
jdk "$world/home/old" 17.0.9
jdk "$world/jdks/older" 11.0.1
java_home=$world/home/old
maven "$world/path" 3.9.0
run verify
expect 'no JDK is new enough' 1 'no JDK 25 or later' "$world/home/old (JAVA_HOME): JDK 17" \
  "$world/jdks/older (usual place): JDK 11" 'PATH: no java'

fresh
jdk "$world/jdks/jre" 25.0.1
rm "$world/jdks/jre/bin/javac"
maven "$world/path" 3.9.0
run verify
expect 'a JRE is no JDK' 1 'JAVA_HOME: not set' "$world/jdks/jre (usual place): no JDK"

fresh
jdk "$world/jdks/jdk" 25.0.1
maven "$world/path" 3.8.7
run -s my/settings.xml -Dmaven.repo.local=/some/where verify
cached=$world/home/.m2/sluice-maven/apache-maven-3.9.11/bin/mvn
expect 'Maven is brought' 7 'bringing Maven 3.9.11' "mvn=$cached" 'argument=verify'
output=$(cat "$world/brought")
status=0
expect 'with the settings and the repository given' 0 \
  "-s $world/a repository/my/settings.xml" '-Dmaven.repo.local=/some/where'
run verify
expect 'and is kept' 7 "mvn=$cached"
case $output in *bringing*) expect 'brought twice' 0 ;; esac
output=$(cd "$world/home/.m2/sluice-maven" && echo *)
status=0
[ "$output" = apache-maven-3.9.11 ] || expect 'nothing else is left in the cache' 1
rm "$world/path/mvn"
run verify
expect 'the cached Maven needs no other' 7 "mvn=$cached"

fresh
jdk "$world/jdks/jdk" 25.0.1
maven "$world/path" 3.8.1
for i in 1 2 3; do
  (
    run "number-$i"
    expect "three at once: $i" 7 "mvn=$cached" "argument=number-$i"
    exit "$failures"
  ) &
  eval "racer$i=\$!"
done
for i in 1 2 3; do
  eval "wait \$racer$i" || failures=$((failures + 1))
done
output=$(cd "$world/home/.m2/sluice-maven" && echo * */*)
status=0
[ "$output" = 'apache-maven-3.9.11 apache-maven-3.9.11/bin' ] || expect 'one Maven of three' 1

fresh
jdk "$world/jdks/jdk" 25.0.1
maven "$world/path" 3.8.7
: >"$world/unreachable"
run verify
expect 'Maven cannot be brought' 1 'no route to any repository' 'could not bring Maven 3.9.11'
output=$(ls -A "$world/home/.m2/sluice-maven")
status=0
[ -z "$output" ] || expect 'nothing is left of it' 1

fresh
jdk "$world/jdks/jdk" 25.0.1
run verify
expect 'no Maven at all' 1 'no mvn on PATH' "$world/home/.m2/sluice-maven"

fresh
jdk "$world/jdks/jdk" 25.0.1
maven "$world/path" 3.6.3
run verify
expect 'Maven is too old to help' 1 'Maven 3.6.3' '3.8 or later'

fresh
jdk "$world/jdks/jdk" 25.0.1
printf '#!/bin/sh\necho broken launcher >&2\nexit 1\n' >"$world/path/mvn"
chmod +x "$world/path/mvn"
run verify
expect 'Maven does not run' 1 'broken launcher'

fresh
jdk "$world/jdks/jdk" 25.0.1
run --print-java
expect 'only the java is wanted: no Maven is needed' 0 "$world/jdks/jdk/bin/java"

if [ "$failures" -ne 0 ]; then
  echo "mvnw-test: $failures failures" >&2
  exit 1
fi
echo "mvnw-test: passed"
