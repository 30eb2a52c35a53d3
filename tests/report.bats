#!/usr/bin/env bats
# The report file: what a line says, and how often it is written.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of findings.bash

load findings

setup() {
  findings_setup
}

teardown() {
  programs_teardown
}

@test "a process introduces itself, its settings and what the shim cannot reach" {
  shim "$PYTHON" -c pass
  [[ $(ask 'length') == 1 ]]
  [[ $(ask '.[0].process') == "$(realpath "$PYTHON")" ]]
  [[ $(ask '.[0].argv | join(" ")') == "$PYTHON -c pass" ]]
  [[ $(ask '.[0] | .profile, .openssl, .cwd | tostring' | paste -sd ' ') == "2.5 none yet $BATS_TEST_TMPDIR" ]]
  [[ $(ask '.[0] | (.reported | length > 20), (.enforced == []), (.version | type), (.ppid | type)' | paste -sd ' ') == 'true true string number' ]]
}

@test "a process that exec replaces introduces itself again" {
  shim sh -c 'exec env true'
  [[ $(ask '[.[].process | split("/")[-1]] | join(" ")') == "$(basename "$(realpath "$(type -P sh)")") env true" ]]
  [[ $(ask '[.[].pid] | unique | length') == 1 ]]
}

@test "a finding tells rule, call, arguments in symbols, socket, both behaviours and the place" {
  options_program
  shim "$PYTHON" options.py
  [[ $(ask '.[] | select(.rule == "unsupported-option") | .mode, .call, .arguments, .kind, .state, .errno, .profile' | paste -sd ' ') == \
    'report setsockopt SOL_SOCKET, SO_REUSEPORT tcp unmade ENOPROTOOPT 2.5' ]]
  [[ $(ask '.[] | select(.rule == "unsupported-option") | .linux, .jython | length > 8') == $'true\ntrue' ]]
  [[ $(ask '.[] | select(.rule == "unsupported-option") | (.fd > 2), (.thread == .pid), (.time > 1e9), (.socket > 0)' | sort -u) == true ]]
  [[ $(ask '.[] | select(.rule == "deferred-bind") | "\(.file):\(.line) \(.function)"') == "$BATS_TEST_TMPDIR/options.py:8 reuse" ||
    $(ask '.[] | select(.rule == "deferred-bind") | "\(.file):\(.line) \(.function)"') == 'options.py:8 reuse' ]]
  [[ $(ask '.[] | select(.rule == "deferred-bind") | .stack | join(" ")') =~ options.py:8\ reuse\ .*options.py:11\ \<module\> ]]
}

@test "an option that comes to nothing later is named where that shows" {
  program late.py <<'END'
import socket
def listener():
    s = socket.socket()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.bind(("127.0.0.1", 0))
    s.listen(1)
listener()
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
s.bind(("127.0.0.1", 0))
END
  shim "$PYTHON" late.py
  [[ $(ask '.[] | select(.rule == "late-option-error") | "\(.line) \(.call) \(.option)"') == $'6 listen IPPROTO_TCP, TCP_NODELAY\n10 bind SOL_SOCKET, SO_KEEPALIVE' ]]
  run "$JYTHONSOCK" report text "$REPORT"
  assert_line --partial 'late.py:6: warning: listen fails with ENOPROTOOPT on Jython 2.5: an option set earlier (IPPROTO_TCP, TCP_NODELAY) does not exist'
}

@test "without the shim there is no report" {
  options_program
  "$PYTHON" options.py
  [[ ! -s $REPORT ]]
}

@test "a finding is written once for a place, and counted to the end" {
  options_program
  shim "$PYTHON" options.py
  [[ $(ask '[.[] | select(.rule)] | length') == 3 ]]
  [[ $(ask '[.[] | select(.count and .final) | .count] | unique | .[]') == 12 ]]
  [[ $(ask '[.[] | select(.count == 10)] | length') == 3 ]] # so that a killed process has told something
}

@test "the call site is the innermost frame outside the standard library" {
  program server.py <<'END'
import socketserver
class Handler(socketserver.BaseRequestHandler): pass
server = socketserver.TCPServer(("127.0.0.1", 0), Handler)
END
  shim "$PYTHON" server.py
  [[ $(ask '.[] | select(.rule == "deferred-bind") | .line') == 3 ]]
  [[ $(ask '.[] | select(.rule == "deferred-bind") | .stack[0]') == */socketserver.py:*' server_bind' ]]
}

@test "two places behind one line of the standard library are two findings" {
  program twice.py <<'END'
import socketserver
socketserver.TCPServer(("127.0.0.1", 0), None)
socketserver.TCPServer(("127.0.0.1", 0), None)
END
  shim "$PYTHON" twice.py
  [[ $(ask '[.[] | select(.rule == "deferred-bind") | .line] | join(" ")') == '2 3' ]]
}

@test "every CPython from 2.7 names the same places" {
  local python places found=0
  options_program
  for python in "$PYTHON" python2.7 "$HOME"/.pyenv/versions/*/bin/python; do
    "$python" -c pass 2>/dev/null || continue
    : >"$REPORT"
    shim "$python" options.py
    places=$(ask '[.[] | select(.rule) | "\(.rule):\(.line)"] | sort | join(" ")')
    [[ $places == 'deferred-bind:8 introspection-option:6 unsupported-option:4' ]] || fail "$python: $places"
    found=$((found + 1))
  done
  ((found))
}

@test "threads that contend for Python's lock keep their places" {
  program threads.py <<'END'
import socket, threading
def work():
    for i in range(300):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.getsockname()
        s.close()
threads = [threading.Thread(target=work) for i in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
END
  shim timeout 50 "$PYTHON" threads.py
  [[ $(ask '[.[] | select(.rule) | .line] | join(" ")') == 6 ]]
  [[ $(ask '.[] | select(.final) | .count') == 2400 ]]
}

@test "Python's pending exception and errno survive a finding" {
  program exception.py <<'END'
import socket
class Closing(object):
    def __enter__(self): return self
    def __exit__(self, *error):
        s = socket.socket()
        s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        s.close()
try:
    with Closing():
        raise KeyError("kept")
except KeyError as e:
    print(e.args[0])
END
  run shim "$PYTHON" exception.py
  assert_output kept
  [[ $(ask '.[] | select(.rule == "introspection-option") | .line') == 6 ]]
}

@test "native code is named by module, offset and return addresses" {
  program option.c <<'END'
#include <sys/socket.h>
int set(int s) { int one = 1; return setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one); }
int main(void) { return set(socket(AF_INET, SOCK_STREAM, 0)); }
END
  gcc -g -O0 -o option option.c
  shim ./option
  [[ $(ask '.[] | select(.rule) | .module') == "$BATS_TEST_TMPDIR/option" ]]
  [[ $(ask '.[] | select(.rule) | .offset') == 0x* ]]
  [[ $(ask '.[] | select(.rule) | .return_addresses | length >= 2') == true ]]
  run "$JYTHONSOCK" report text "$REPORT"
  assert_output --partial 'option.c:2: warning: setsockopt SOL_SOCKET, SO_REUSEPORT fails with ENOPROTOOPT'
}

@test "%p in the name is the process id" {
  JYTHONSOCK_REPORT=$BATS_TEST_TMPDIR/r.%p shim sh -c 'env true & wait; exit 0'
  (($(find . -name 'r.[0-9]*' | wc -l) == 2))
  for file in r.*; do
    [[ $(jq -r '.pid' "$file" | sort -u) == "${file#r.}" ]]
  done
}

@test "more call sites than the table holds are told of, and cost nothing else" {
  program many.py <<'END'
import socket
s = socket.socket()
code = "\n".join("s.getsockopt(1, 4)" for i in range(6000))
exec(compile(code, "many.py", "exec"))
print("done")
END
  run shim "$PYTHON" many.py
  assert_output 'done'
  whole
  [[ $(ask '[.[] | select(.note == "overflow")] | length') == 2 ]] # when it begins, and how many at exit
  [[ $(ask '[.[] | select(.note == "overflow")][1].text | split(" ")[0] | tonumber > 1000') == true ]]
  (($(ask '[.[] | select(.rule)] | length') > 1000))
}

@test "names that are no UTF-8, quotes and control characters make no broken JSON" {
  options_program
  cp options.py $'odd"\\\x01\xff.py'
  shim "$PYTHON" $'odd"\\\x01\xff.py' $'\xe2\x82' "$(printf 'x%.0s' {1..6000})"
  whole
  [[ $(ask '[.[] | select(.rule)] | length') == 3 ]]
  "$PYTHON" -c 'import json, sys
for line in open(sys.argv[1], encoding="utf-8"): json.loads(line)' "$REPORT"
}

@test "PYTEST_CURRENT_TEST goes into the finding" {
  program current.py <<'END'
import os, socket
s = socket.socket()
os.environ["PYTEST_CURRENT_TEST"] = "tests/test_a.py::test_b (call)"
s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
END
  shim "$PYTHON" current.py
  [[ $(ask '.[] | select(.rule == "introspection-option") | .test') == 'tests/test_a.py::test_b (call)' ]]
}

@test "a pipe or a directory that cannot take the report is refused at start" {
  mkfifo pipe
  JYTHONSOCK_REPORT=$PWD/pipe run shim env true
  [[ $status == 125 && $output == *JYTHONSOCK_REPORT* ]]
  JYTHONSOCK_REPORT=/nonexistent/report run shim env true
  [[ $status == 125 && $output == *'/nonexistent/report'* ]]
}

@test "what OpenSSL does is put down to the line that called it" {
  requires openssl
  openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2>/dev/null
  program tls.py <<'END'
import socket, ssl, threading
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain("cert.pem", "key.pem")
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(1)
def serve():
    server.wrap_socket(listener.accept()[0], server_side=True).recv(1)
thread = threading.Thread(target=serve)
thread.start()
client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client.check_hostname = False
client.verify_mode = ssl.CERT_NONE
s = socket.create_connection(listener.getsockname())
t = client.wrap_socket(s)
t.send(b"x")
thread.join()
END
  shim "$PYTHON" tls.py
  [[ $(ask '.[] | select(.rule == "tls-verify") | .line') == 15 ]]
  [[ $(ask '.[] | select(.rule == "tls-server") | .line') == 8 ]]
}
