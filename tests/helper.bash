# Shared by every .bats file.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JYTHONSOCK_LIBRARY=${JYTHONSOCK_LIBRARY:-$ROOT/build/libjythonsock.so}
# The interpreter that Debian ships, whatever else is on the PATH.
PYTHON=${PYTHON:-/usr/bin/python3}
export ROOT JYTHONSOCK_LIBRARY PYTHON

# shim COMMAND [ARG...]: run it under the library, in the profile of the environment.
shim() {
  LD_PRELOAD=$JYTHONSOCK_LIBRARY "$@"
}

# wait_for_line FILE PATTERN [SECONDS]: until a line of the file matches (extended regex).
wait_for_line() {
  local file=$1 pattern=$2 seconds=${3:-10}
  # shellcheck disable=SC2016  # expanded by the inner shell
  timeout "$seconds" bash -c 'until grep -Eqs -e "$2" "$1"; do read -rt 0.02 <> <(:) || :; done' _ "$file" "$pattern"
}

# wait_for_port PORT [SECONDS]: until something listens there on loopback.
wait_for_port() {
  local port=$1 seconds=${2:-10}
  # shellcheck disable=SC2016  # expanded by the inner shell
  timeout "$seconds" bash -c 'until (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do read -rt 0.02 <> <(:) || :; done' _ "$port"
}

# free_port: a TCP port that the kernel found free just now.
free_port() {
  "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start [shim] COMMAND [ARG...]: in the background; stop_all ends it. The pid is the
# program's own, and Bats' descriptor 3, which Bats waits for, stays with Bats.
start() {
  if [[ $1 == shim ]]; then
    shift
    set -- env LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$@"
  fi
  "$@" 3>&- &
  STARTED+=($!)
}

stop_all() {
  local pid
  for pid in "${STARTED[@]:-}"; do
    [[ -n $pid ]] || continue
    kill "$pid" 2>/dev/null || :
    wait "$pid" 2>/dev/null || :
  done
  STARTED=()
}

# findings FILE [RULE]: the findings of a report file, all or of one rule.
findings() {
  local file=$1 rule=${2:-}
  jq -c --arg rule "$rule" 'select(.rule and ($rule == "" or .rule == $rule))' "$file"
}
