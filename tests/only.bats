#!/usr/bin/env bats
# JYTHONSOCK_ONLY: enforcement by call site and occurrence.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of findings.bash

load findings

setup() {
  findings_setup
  unset JYTHONSOCK_RULES
  program only.py <<'END'
import socket
def attempt(s):
    try:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); return "."
    except socket.error: return "x"
s = socket.socket()
print("".join(attempt(s) for i in range(6)))
try:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); print(".")
except socket.error: print("x")
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1] == 0)
print(s.getsockname()[1] == 0)
END
}

teardown() {
  programs_teardown
}

# only SETTING EXPECTED-WORD...
only() {
  JYTHONSOCK_ONLY=$1 run shim "$PYTHON" only.py
  [[ ${output//$'\n'/ } == "$2" ]] || fail "$1: ${output//$'\n'/ }, not $2"
}

@test "without it a rule holds everywhere" {
  only '' 'xxxxxx x True True'
}

@test "a rule alone holds everywhere, and no other rule does" {
  only unsupported-option 'xxxxxx x False False'
}

@test "a rule at a line holds there only" {
  only unsupported-option@only.py:4 'xxxxxx . False False'
  only unsupported-option@only.py:9 '...... x False False'
  only deferred-bind@only.py:13 '...... . False True'
}

@test "an occurrence, or a range of them, can be chosen" {
  only unsupported-option@only.py:4#2 '.x.... . False False'
  only unsupported-option@only.py:4#2-4 '.xxx.. . False False'
  only unsupported-option@only.py:4#1,unsupported-option@only.py:4#6 'x....x . False False'
  only unsupported-option#7 '...... x False False'
}

@test "several rules can be chosen together" {
  only deferred-bind@only.py:12#1,unsupported-option@only.py:9 '...... x True False'
}

@test "what is not chosen is reported, if there is a report" {
  only unsupported-option@only.py:4#2 '.x.... . False False'
  [[ $(ask '[.[] | select(.rule == "unsupported-option" and .mode == "report")] | length') -ge 1 ]]
}

@test "a place in native code is module and offset" {
  program option.c <<'END'
#include <sys/socket.h>
int main(void)
{
	int one = 1, s = socket(AF_INET, SOCK_STREAM, 0), failed = 0;
	for (int i = 0; i < 3; i++)
		failed = failed * 2 + (setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0);
	return failed;
}
END
  gcc -o option option.c
  run shim ./option
  [[ $status == 7 ]]
  JYTHONSOCK_ONLY=unsupported-option@option+$(ask '.[] | select(.rule) | .offset')#2 run shim ./option
  [[ $status == 2 ]]
}

@test "a bad entry ends the program at once, with status 125" {
  local entry
  for entry in nonsense unsupported-option@only.py unsupported-option@only.py:4#0 unsupported-option@only.py:4#3-2 'unsupported-option@only.py:4#x'; do
    JYTHONSOCK_ONLY=$entry run shim "$PYTHON" only.py
    [[ $status == 125 && $output == *JYTHONSOCK_ONLY*"$entry"* ]] || fail "$entry: $status $output"
  done
}

@test "what a rule does without a finding is bound to the place, too" {
  program expired.py <<'END'
import socket
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0)
queued = [socket.socket() for i in range(4)]
for s in queued:
    s.setblocking(False)
    s.connect_ex(listener.getsockname())
def attempt(connect):
    s = socket.socket()
    s.settimeout(0.05)
    try: connect(s)
    except socket.timeout: pass
    with open("/proc/net/tcp") as table:
        syn = [line for line in table if line.split()[3] == "02" and line.split()[9] == inode(s)]
    return "trying" if syn else "given up"
def inode(s):
    import os
    return str(os.fstat(s.fileno()).st_ino)
def first(s):
    s.connect(listener.getsockname())
def second(s):
    s.connect(listener.getsockname())
print(attempt(first))
print(attempt(second))
END
  JYTHONSOCK_ONLY='' run shim "$PYTHON" expired.py
  assert_output $'given up\ngiven up'
  JYTHONSOCK_ONLY=one-life@expired.py:21 run shim "$PYTHON" expired.py
  assert_output $'given up\ntrying'
}
