#!/usr/bin/env bats
# Call sites are read from Python only when that is safe: threads, forks, signals,
# sub-interpreters and the end of the process.  Other languages have native sites.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of findings.bash

load findings

setup() {
  findings_setup
}

teardown() {
  programs_teardown
}

# survives PROGRAM OUTPUT: with the shim as without, and there are findings.
survives() {
  local program=$1 expected=$2
  run timeout 50 "$PYTHON" "$program"
  assert_success
  run timeout 50 env LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$PYTHON" "$program"
  assert_success
  assert_output "$expected"
  whole
  [[ $(ask '[.[] | select(.rule)] | length > 0') == true ]]
}

@test "daemon threads and late destructors while Python ends" {
  program fin.py <<'END'
import socket, threading, time, atexit, os, sys
def work():
    while True:
        s = socket.socket(); s.bind(("127.0.0.1", 0)); s.getsockname()
        try: s.shutdown(2)
        except Exception: pass
        s.getsockopt(1, 4); s.close()
for i in range(4): threading.Thread(target=work, daemon=True).start()
class Late:
    def __del__(self):
        try:
            s = socket.socket(); s.getsockopt(1,4); s.bind(("127.0.0.1",0)); s.getsockname()
        except Exception: pass
keep = Late(); sys.modules["keepme"] = keep
atexit.register(lambda: socket.socket().getsockopt(1, 4))
time.sleep(0.02)
END
  for ((i = 0; i < 5; i++)); do
    survives fin.py ""
  done
}

@test "forks of a process whose other threads are at it" {
  program fk.py <<'END'
import socket, threading, os, subprocess, signal
stop = False
def work():
    while not stop:
        s = socket.socket(); s.bind(("127.0.0.1", 0)); s.getsockname(); s.close()
ts=[threading.Thread(target=work) for i in range(3)]
[t.start() for t in ts]
for i in range(40):
    pid = os.fork()
    if pid == 0:
        s = socket.socket(); s.getsockopt(1,4); s.bind(("127.0.0.1",0)); s.getsockname(); os.dup(s.fileno()); os._exit(0)
    os.waitpid(pid, 0)
    if i % 10 == 0: subprocess.check_call(["true"])
stop = True
[t.join() for t in ts]
print("ok")
END
  survives fk.py ok
}

@test "sub-interpreters are left alone" {
  program subi.py <<'END'
try: import _xxsubinterpreters as si
except ImportError:
    try: import _interpreters as si
    except ImportError: print("none"); raise SystemExit
code = "import socket\ns = socket.socket(); s.bind(('127.0.0.1', 0)); s.getsockname(); s.getsockopt(1,4); s.close()"
import socket, threading
socket.socket().getsockopt(1,4)
def go():
    for i in range(5):
        n = si.create(); r = si.run_string(n, code); si.destroy(n)
        if r: print(r)
ts=[threading.Thread(target=go) for _ in range(3)]
[t.start() for t in ts]; [t.join() for t in ts]
socket.socket().getsockopt(1,4)
print("ok")
END
  survives subi.py ok
}

@test "signal handlers that write to a socket while Python runs" {
  program sig.py <<'END'
import signal, socket, os, time, threading
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # CPython tells of the writes that fail
l = socket.socket(); l.bind(("127.0.0.1",0)); l.listen(1)
a = socket.create_connection(l.getsockname()); b,_ = l.accept()
a.setblocking(False); b.setblocking(False)
b.close()  # so that the wakeup write fails with EPIPE
signal.set_wakeup_fd(a.fileno(), warn_on_full_buffer=False)
n = [0]
signal.signal(signal.SIGALRM, lambda *x: n.__setitem__(0, n[0]+1))
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
t = time.time()
s = socket.socket()
while time.time() - t < 1:
    s.getsockopt(1, 4); [str(i) for i in range(100)]
signal.setitimer(signal.ITIMER_REAL, 0)
print("ok", n[0] > 50)
END
  survives sig.py "ok True"
}

# native LANGUAGE COMMAND...: the finding has a native place, the process its arguments.
native() {
  local language=$1
  shift
  requires "$language"
  run shim timeout 20 "$@"
  [[ $(ask '[.[] | select(.rule) | select((.module | type) == "string" and (.offset | startswith("0x")))] | length > 0') == true ]] ||
    fail "$output"
  [[ $(ask '[.[] | select(.process) | .argv | join(" ")] | join("\n")') == *"$language"* ]]
}

@test "Perl has native sites" {
  native perl perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEPORT, 1)'
}

@test "Ruby has native sites" {
  native ruby ruby -rsocket -e 's = Socket.new(:INET, :STREAM); s.setsockopt(:SOCKET, :REUSEPORT, true)'
}

@test "PHP has native sites" {
  # shellcheck disable=SC2016
  native php php -r 'stream_socket_server("unix:///tmp/nosuch/x", $e, $s); socket_create(AF_UNIX, SOCK_STREAM, 0);'
}

@test "Node has native sites" {
  native node node -e 'require("net").createServer().listen(0, "127.0.0.1", function () { this.close() })'
}
