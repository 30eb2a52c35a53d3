#!/usr/bin/env bats
# jythonsock bisect: prepared failures, and what it makes of them.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of findings.bash

load findings

setup() {
  findings_setup
  unset JYTHONSOCK_REPORT JYTHONSOCK_RULES
}

teardown() {
  programs_teardown
}

# found ENTRY: the setting to reproduce is this, and it does reproduce.
found() {
  local entry=$1 setting
  assert_success
  assert_output --partial "JYTHONSOCK_ONLY=$entry "
  setting=$(sed -n 's/.*JYTHONSOCK_ONLY=\([^ ]*\) .*/\1/p' <<<"$output")
  [[ $setting == "$entry" ]]
  run env JYTHONSOCK_RULES=all=off JYTHONSOCK_ONLY="$setting" LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$PYTHON" culprit.py
  assert_failure
}

@test "a name asked too early: the third of five" {
  program culprit.py <<'END'
import socket
def port():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    return s.getsockname()[1]
ports = [port() for i in range(5)]
raise SystemExit(ports[2] == 0)
END
  run "$JYTHONSOCK" bisect -- "$PYTHON" culprit.py
  found 'deferred-bind@culprit.py:5#3'
}

@test "an option that is not there, among other findings" {
  program culprit.py <<'END'
import socket
s = socket.socket()
s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
s.bind(("127.0.0.1", 0))
s.getsockname()
for option in (socket.SO_REUSEADDR, socket.SO_KEEPALIVE, socket.SO_REUSEPORT):
    s.setsockopt(socket.SOL_SOCKET, option, 1)
END
  run "$JYTHONSOCK" bisect -- "$PYTHON" culprit.py
  found 'unsupported-option@culprit.py:7#1'
}

@test "a timeout of zero" {
  program culprit.py <<'END'
import socket
a, b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind(("127.0.0.1", 0))
b.settimeout(0)
a.settimeout(0)
try:
    a.recv(1)
except socket.timeout:
    raise SystemExit(1)
except socket.error:
    pass
END
  run "$JYTHONSOCK" bisect -- "$PYTHON" culprit.py
  found 'zero-timeout@culprit.py:5#1'
}

@test "two rules that only fail together are found together" {
  program culprit.py <<'END'
import socket
bad = 0
s = socket.socket()
for i in range(6):
    try:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except socket.error:
        bad += i == 4
s.bind(("127.0.0.1", 0))
for i in range(3):
    zero = s.getsockname()[1] == 0
    if i == 1 and bad and zero:
        raise SystemExit(1)
END
  run "$JYTHONSOCK" bisect -- "$PYTHON" culprit.py
  found 'deferred-bind@culprit.py:11#2,unsupported-option@culprit.py:6#5'
}

@test "a bind whose error comes from listen" {
  program culprit.py <<'END'
import socket
a, b = socket.socket(), socket.socket()
a.bind(("127.0.0.1", 0))
a.listen(1)
try:
    b.bind(a.getsockname())
except socket.error:
    raise SystemExit(0)
raise SystemExit(1)
END
  run "$JYTHONSOCK" bisect -- "$PYTHON" culprit.py
  found 'deferred-bind@culprit.py:6#1'
}

@test "a flaky command is judged by most of several runs" {
  program culprit.py <<'END'
import os, socket
with open("runs", "a+") as f:
    f.seek(0)
    n = len(f.read())
    f.write("x")
s = socket.socket()
s.bind(("127.0.0.1", 0))
flaky = n % 4 == 0
raise SystemExit((s.getsockname()[1] == 0) != flaky)
END
  run "$JYTHONSOCK" bisect --repeat 3 -- "$PYTHON" culprit.py
  assert_success
  assert_output --partial 'JYTHONSOCK_ONLY=deferred-bind@culprit.py:7#1 ' || assert_output --partial 'deferred-bind@culprit.py:9#1 '
}

@test "a hang is a failure, with --timeout" {
  program culprit.py <<'END'
import socket
a, b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind(("127.0.0.1", 0))
a.connect(a.getsockname())
a.shutdown(socket.SHUT_RDWR)
try:
    a.recv(1) # Linux: wakes up; Jython: the shutdown did nothing
except socket.error:
    pass
END
  run "$JYTHONSOCK" bisect --timeout 2 -- "$PYTHON" culprit.py
  assert_success
  assert_output --partial 'JYTHONSOCK_ONLY=shutdown-noop@culprit.py:5#1 '
}

@test "what fails plainly, or does not fail at all, is told so" {
  run "$JYTHONSOCK" bisect -- false
  assert_failure 1
  assert_output --partial 'fails without the shim, too'
  run "$JYTHONSOCK" bisect -- env true
  assert_failure 1
  assert_output --partial 'does not fail under the shim'
}
