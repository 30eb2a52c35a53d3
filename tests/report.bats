#!/usr/bin/env bats
# The report file: what a line says, how often it is written, and that writing it
# never harms the program.
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

@test "a fork child has findings and counts of its own" {
  program fork.py <<'END'
import os, socket
s = socket.socket()
def look():
    s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
look()
if os.fork() == 0:
    look(); look()
    raise SystemExit
os.wait()
look()
END
  shim "$PYTHON" fork.py
  [[ $(ask '[.[] | select(.process) | .pid] | unique | length') == 2 ]]
  [[ $(ask '[.[] | select(.rule == "introspection-option") | .pid] | unique | length') == 2 ]]
  [[ $(ask '[.[] | select(.final) | .count] | sort | join(" ")') == '2 2' ]]
}

@test "a vfork child writes nothing over its parent's counts" {
  program spawn.py <<'END'
import socket, subprocess
s = socket.socket()
def look():
    s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
look()
for i in range(3):
    subprocess.check_call(["true"])
look()
END
  shim "$PYTHON" spawn.py
  whole
  [[ $(ask '[.[] | select(.process) | .process] | map(select(endswith("/true") or endswith("/coreutils"))) | length') == 3 ]]
  [[ $(ask '[.[] | select(.final) | .count] | join(" ")') == 2 ]]
}

@test "%p in the name is the process id" {
  JYTHONSOCK_REPORT=$BATS_TEST_TMPDIR/r.%p shim sh -c 'env true & wait; exit 0'
  (($(find . -name 'r.[0-9]*' | wc -l) == 2))
  for file in r.*; do
    [[ $(jq -r '.pid' "$file" | sort -u) == "${file#r.}" ]]
  done
}

@test "fifty processes that append at once tear no line" {
  program busy.py <<'END'
import socket
s = socket.socket()
code = "\n".join("try: s.setsockopt(1, 15, 1)\nexcept socket.error: pass" for i in range(60))
exec(compile(code, "busy.py", "exec"))
END
  local -a pids=()
  for ((i = 0; i < 50; i++)); do
    shim "$PYTHON" busy.py &
    pids+=($!)
  done
  wait "${pids[@]}"
  whole
  [[ $(ask '[.[] | select(.process)] | length') == 50 ]]
  [[ $(ask '[.[] | select(.rule == "unsupported-option")] | length') == 3000 ]]
  (($(awk '{ print length }' "$REPORT" | sort -n | tail -n 1) < 4096))
}

@test "a program killed by SIGKILL leaves whole lines, and its findings" {
  program killed.py <<'END'
import os, signal, socket
s = socket.socket()
for i in range(150):
    s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
os.kill(os.getpid(), signal.SIGKILL)
END
  run shim "$PYTHON" killed.py
  [[ $status == 137 ]]
  whole
  [[ $(ask '[.[] | select(.rule)] | length') == 1 ]]
  [[ $(ask '[.[].count // 0] | max') == 100 ]]
}

@test "a full disk costs findings, never the program's data" {
  mkdir small
  mount -t tmpfs -o size=64k tmpfs small 2>/dev/null || skip 'no right to mount'
  program full.py <<'END'
import socket
s = socket.socket()
code = "\n".join("try: s.setsockopt(1, 15, 1)\nexcept socket.error: pass" for i in range(500))
exec(compile(code, "full.py", "exec"))
print("the program's data")
END
  JYTHONSOCK_REPORT=$PWD/small/report run shim "$PYTHON" full.py
  cp small/report "$REPORT"
  umount small
  [[ $status == 0 ]]
  assert_output "the program's data"
  run "$JYTHONSOCK" report summary "$REPORT"
  assert_success
  assert_output --partial 'findings in'
}

@test "a limit on file sizes is not answered by SIGXFSZ" {
  options_program
  head -c 2048 /dev/zero | tr '\0' '\n' >"$REPORT"
  run bash -c 'ulimit -f 2; LD_PRELOAD=$JYTHONSOCK_LIBRARY exec "$PYTHON" options.py'
  assert_success
  assert_output 'done'
}

@test "/dev/full takes the lines, the program goes on" {
  options_program
  JYTHONSOCK_REPORT=/dev/full run shim "$PYTHON" options.py
  assert_success
  assert_output 'done'
}

@test "closed standard descriptors stay closed, and no finding lands in them" {
  program closed.py <<'END'
import os, socket, sys
s = socket.socket()
s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
with open("result", "w") as f:
    for fd in 0, 1, 2:
        try:
            f.write("%s " % os.readlink("/proc/self/fd/%d" % fd))
        except OSError:
            f.write("closed ")
END
  "$PYTHON" closed.py <&- >&- 2>&-
  mv result plain
  shim "$PYTHON" closed.py <&- >&- 2>&-
  diff <(sed 's/\[[0-9]*\]//g' plain) <(sed 's/\[[0-9]*\]//g' result)
  whole
  [[ $(ask '[.[] | select(.rule == "introspection-option")] | length') == 1 ]]
}

@test "the report keeps no descriptor open" {
  program open.py <<'END'
import os, socket
before = os.listdir("/proc/self/fd")
s = socket.socket()
s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
s.close()
print(os.listdir("/proc/self/fd") == before)
END
  run shim "$PYTHON" open.py
  assert_output True
}

@test "no descriptors left: the finding is lost, the program is not" {
  program limit.py <<'END'
import os, resource, socket
s = socket.socket()
resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))
s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
print("done")
END
  run shim "$PYTHON" limit.py
  assert_output 'done'
}

@test "a changed root gets no file of ours" {
  program root.py <<'END'
import os, socket
s = socket.socket()
os.makedirs("jail" + os.path.dirname(os.environ["JYTHONSOCK_REPORT"]))
os.chroot("jail")
s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
print([f for d, _, files in os.walk("/") for f in files])
END
  [[ $(id -u) == 0 ]] || skip 'only root can change the root'
  run shim "$PYTHON" root.py
  assert_success
  assert_output '[]'
}

@test "a working directory that cannot be written or has gone is no obstacle" {
  options_program
  mkdir gone
  run bash -c 'cd gone && rmdir ../gone && LD_PRELOAD=$JYTHONSOCK_LIBRARY exec "$PYTHON" ../options.py'
  mkdir fixed && chmod 555 fixed && cd fixed
  run shim "$PYTHON" ../options.py
  assert_success
  [[ $(ask '[.[] | select(.rule)] | length >= 3') == true ]]
}

@test "little memory is enough" {
  program memory.c <<'END'
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
int main(void)
{
	struct rlimit none = { 0, 0 };
	int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
	setrlimit(RLIMIT_DATA, &none);
	setrlimit(RLIMIT_AS, &none);
	setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
	socket(AF_INET, SOCK_DGRAM, 0);
	return !(write(1, "done\n", 5) == 5);
}
END
  sed -i 's/#include <stdio.h>/#include <unistd.h>/' memory.c
  gcc -o memory memory.c
  run shim ./memory
  assert_success
  assert_output 'done'
  [[ $(ask '[.[] | select(.rule == "unsupported-option")] | length') == 1 ]]
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

@test "observing changes no result and writes nothing to the program's output" {
  options_program
  run "$PYTHON" options.py
  local plain=$output
  run shim "$PYTHON" options.py
  [[ $output == "$plain" ]]
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
