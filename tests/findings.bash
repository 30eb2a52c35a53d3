# For the tests of findings: a program with known findings, and ways to ask a report.
# shellcheck shell=bash disable=SC2034,SC2154

load programs

JYTHONSOCK=$ROOT/scripts/jythonsock
export JYTHONSOCK_LIBRARY JYTHONSOCK

findings_setup() {
  programs_setup
  export JYTHONSOCK_RULES=all=report
}

# program NAME: standard input becomes a file of the test's directory.
program() {
  local name=$1
  cat >"$BATS_TEST_TMPDIR/$name"
}

# ask JQ-FILTER: of the whole report, as an array of lines.
ask() {
  local filter=$1
  jq -s -r "$filter" "$REPORT"
}

# Every line of the report is JSON of its own.
whole() {
  local lines
  lines=$(wc -l <"$REPORT")
  [[ $(jq -c . "$REPORT" | wc -l) == "$lines" ]]
}

# A program whose line numbers are known: 4, 6 and 8.
options_program() {
  program options.py <<'END'
import socket
def reuse(s):
    try:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except socket.error: pass
    s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    s.bind(("127.0.0.1", 0))
    return s.getsockname()
for i in range(12):
    s = socket.socket()
    reuse(s)
    s.close()
print("done")
END
}
