#!/usr/bin/env bats
# Writing the report never harms the program.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of findings.bash

load findings

setup() {
  findings_setup
}

teardown() {
  programs_teardown
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

@test "observing changes no result and writes nothing to the program's output" {
  options_program
  run "$PYTHON" options.py
  local plain=$output
  run shim "$PYTHON" options.py
  [[ $output == "$plain" ]]
}
