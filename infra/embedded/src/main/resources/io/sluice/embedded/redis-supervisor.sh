# Usage: DIRECTORY COMMAND... Runs COMMAND (a redis-server) until standard input closes, which also
# happens when the parent is killed; then kills it and deletes DIRECTORY. Redis keeps nothing, so
# killing it loses nothing. If the command ends by itself, says "exit STATUS" on standard output and
# still waits for the end of standard input; after a line "keep" there, DIRECTORY stays.

trap '' HUP INT QUIT TERM PIPE
exec 3<&0
directory=$1
shift

# A session of its own where that is possible, so that the Ctrl-C of a terminal does not reach Redis
# before those who still use it.
if command -v setsid >/dev/null 2>&1; then
  setsid "$@" </dev/null >&2 3<&- &
else
  "$@" </dev/null >&2 3<&- &
fi
redis=$!

(
  while read -r _ <&3; do :; done
  kill -9 "$redis"
) >/dev/null 2>&1 &
watcher=$!

wait "$redis"
status=$?
kill -9 "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null
echo "exit $status"

keep=no
while read -r line <&3; do
  if [ "$line" = keep ]; then keep=yes; fi
done
if [ "$keep" = no ]; then rm -rf -- "$directory"; fi
