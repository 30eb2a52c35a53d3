#!/usr/bin/env bats
# Shadow state through everything that can happen to descriptors, processes,
# threads, memory and arguments; what each host says, with and without us.

load helper

HOSTS=${JYTHONSOCK_LIBRARY%/*}/tests/hosts
PROFILES='2.5 2.5.3 2.7'

setup_file() {
  make -s -C "$ROOT" BUILD="${JYTHONSOCK_LIBRARY%/*}" hosts
}

# host NAME [ARG...]: its output and status, in the environment as it is.
host() {
  local name=$1
  shift
  timeout 60 "$HOSTS/$name" "$@" 2>&1
  printf 'status %s\n' "$?"
}

# expected_in PROFILE TEXT: a line "one | other" is the other in 2.7.
expected_in() {
  local profile=$1 text=$2 other=' | .*'
  [[ $profile != 2.7 ]] || other='.* | '
  # shellcheck disable=SC2001  # in each line
  sed "s/$other//" <<<"$text"
  printf 'status 0\n'
}

# tells NAME [ARG...]: under the library the host says what stands on stdin, in each
# profile; without it, something else.
tells() {
  local expected profile
  expected=$(cat)
  for profile in $PROFILES; do
    printf '%s\n' "$profile"
    diff <(expected_in "$profile" "$expected") <(JYTHONSOCK_PROFILE=$profile LD_PRELOAD=$JYTHONSOCK_LIBRARY host "$@")
    if diff -q <(expected_in "$profile" "$expected") <(host "$@") >/dev/null; then
      printf 'the same without the library\n'
      return 1
    fi
  done
}

# as_ever NAME [ARG...]: the library changes nothing, neither as it is, nor
# reporting everything.
as_ever() {
  local plain
  plain=$(host "$@")
  [[ $plain == *'status 0' ]]
  diff <(printf '%s\n' "$plain") <(LD_PRELOAD=$JYTHONSOCK_LIBRARY host "$@")
  reports_change_nothing "$@"
}

# reports_change_nothing NAME [ARG...]
reports_change_nothing() {
  diff <(host "$@") <(JYTHONSOCK_RULES=all=report JYTHONSOCK_REPORT=$BATS_TEST_TMPDIR/report \
    LD_PRELOAD=$JYTHONSOCK_LIBRARY host "$@")
}

@test "duplicates share the shadow, whatever made them and whatever they replace" {
  tells duplicate <<'END'
dup: listener
dup2 over a UDP socket: listener
dup2 to a free number: listener
dup2 onto itself: listener
dup3: listener
F_DUPFD: listener
F_DUPFD_CLOEXEC: listener
after failed ones: listener
dup2 of a file over it: not a socket
dup of a file: not a socket
freopen of its stream: not a socket
the last one standing: listener
bind on one is known to the other: asked
listen on the other is known to the one: listener
and so is a refused connect: dead | and so is a refused connect: client
END
}

# reused: for each kind of first owner, what the second owner of a number is.  What
# came and went unseen has Linux's answers until a call of its own is seen.
reused() {
  local first unseen=$1
  for first in listener client tcp; do
    if [[ $unseen ]]; then
      printf '%s, now tcp: unmade write=EPIPE writev=EPIPE send=EPIPE\n' "$first"
      printf '%s, now udp: udp unmade write=EDESTADDRREQ writev=EDESTADDRREQ send=EDESTADDRREQ\n' "$first"
      printf '%s, now listener: listener write=EPIPE writev=EPIPE send=EPIPE\n' "$first"
    else
      printf '%s, now tcp: unmade write=ENOTCONN writev=ENOTCONN send=ENOTCONN\n' "$first"
      printf '%s, now udp: udp unmade write=ENOTCONN writev=ENOTCONN send=ENOTCONN\n' "$first"
      printf '%s, now listener: listener write=ENOTCONN writev=ENOTCONN send=ENOTCONN\n' "$first"
    fi
    printf '%s, now client: client write=1 writev=1 send=1\n' "$first"
    printf '%s, now unix: plain write=ENOTCONN writev=ENOTCONN send=ENOTCONN\n' "$first"
    printf '%s, now file: not a socket write=1 writev=1 send=ENOTSOCK\n' "$first"
    printf '%s, now pipe: not a socket write=1 writev=1 send=ENOTSOCK\n' "$first"
  done
}

@test "a number that was closed belongs to whatever has it next" {
  local way
  for way in close fclose close_range closefrom over; do
    tells reuse "$way" < <(reused '')
  done
}

@test "a number closed and reused behind our back is never mistaken" {
  tells reuse unseen < <(reused unseen)
}

@test "sockets that come by SCM_RIGHTS are classified, and what is pending on those that go is done" {
  tells rights <<'END'
a listener: listener
a client: client
a UDP socket: udp made
one with a bind pending: bound
which was done here too: bound
a file, under a listener's number: not a socket
END
}

@test "inherited sockets are classified from the kernel" {
  local profile
  for profile in $PROFILES; do
    diff - <(JYTHONSOCK_PROFILE=$profile INHERIT_LIBRARY=$JYTHONSOCK_LIBRARY host inherit) <<'END'
a new TCP socket: unmade
a bound one: bound
a listener: listener
a client: client
a new UDP socket: udp unmade
a bound UDP socket: udp made
a connected one: udp connected
a UNIX socket: plain
a pipe: not a socket
status 0
END
  done
  run host inherit
  [[ $output == *'a listener: plain'* ]]
}

@test "a socket on descriptors 0 to 2 at the start is reported" {
  local report=$BATS_TEST_TMPDIR/report
  # shellcheck disable=SC2016
  env LIBRARY="$JYTHONSOCK_LIBRARY" REPORT="$report" "$PYTHON" -c '
import os, socket, subprocess
one = socket.create_server(("127.0.0.1", 0))
subprocess.run(["true"], stdin=one, env=dict(os.environ, LD_PRELOAD=os.environ["LIBRARY"], JYTHONSOCK_REPORT=os.environ["REPORT"]))'
  findings "$report" fd-passing | jq -e 'select(.fd == 0 and .state == "listener")'
}

@test "a pending bind survives fork and _Fork, and a vfork child leaves the table alone" {
  local way
  tells forks < <(
    for way in fork _Fork; do
      printf '%s\n' "$way" 'the child knows the bind: asked' 'and listens: listener' \
        'its own are tracked: unmade' 'its close: closed' "the parent's is as it was: bound" \
        'listen=0' 'and listens as well: listener'
    done
    printf '%s\n' vfork 'what the child closed: listener' 'what the child replaced: udp made'
  )
}

@test "the next program finds the socket bound, whatever starts it" {
  local way
  for way in execve execv execvp execvpe execl execlp execle execveat fexecve posix_spawn posix_spawnp \
    posix_spawn-renamed fork fork-renamed vfork vfork-renamed system popen; do
    printf '%s\n' "$way"
    run host images "$way"
    [[ $output == $'port chosen\nstatus 0' ]]
    run env LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$HOSTS/images" "$way"
    printf '%s\n' "$output"
    [[ $output == 'port chosen' ]]
  done
}

@test "with no memory for shadows sockets work as on Linux" {
  tells memory <<'END'
made=2000 served=2000
the first: listener
the last: plain
its duplicate: plain
END
}

@test "bad pointers, lengths and descriptors give the errno that they give on Linux" {
  as_ever badargs
}

@test "bad arguments crash no profile and no mode" {
  local profile mode
  for profile in $PROFILES; do
    for mode in enforce report off; do
      printf '%s %s\n' "$profile" "$mode"
      JYTHONSOCK_PROFILE=$profile JYTHONSOCK_RULES=all=$mode run env LD_PRELOAD="$JYTHONSOCK_LIBRARY" \
        JYTHONSOCK_REPORT="$BATS_TEST_TMPDIR/report" timeout 60 "$HOSTS/badargs"
      [[ $status -eq 0 ]]
    done
  done
}

@test "MSG_FASTOPEN is a connect" {
  local call
  for call in sendto sendmsg; do
    tells fastopen "$call" <<END
$call=1
from 127.0.0.2
it is: client
connect=EINVAL | connect=0
refused=ECONNREFUSED again=EINVAL | refused=ECONNREFUSED again=0
END
  done
}

@test "a library whose constructor runs before ours, or after, finds everything in place" {
  local preload
  for preload in "$JYTHONSOCK_LIBRARY $HOSTS/libearly.so" "$HOSTS/libearly.so $JYTHONSOCK_LIBRARY"; do
    run env LD_PRELOAD="$preload" true
    [[ $status -eq 0 && $output == $'new: unmade\nafter bind: asked\nafter listen: listener' ]]
  done
  run env LD_PRELOAD="$HOSTS/libearly.so" true
  [[ $output == $'new: plain\nafter bind: plain\nafter listen: plain' ]]
}

@test "a bad setting ends the program even if another constructor comes first" {
  run env JYTHONSOCK_PROFILE=3 LD_PRELOAD="$JYTHONSOCK_LIBRARY $HOSTS/libearly.so" true
  [[ $status -eq 125 && $output != *unmade* ]]
}

# private_names: functions and data that the library keeps to itself, without those
# that libc has too and those of the compiler.
private_names() {
  local libc
  libc=$(ldd "$JYTHONSOCK_LIBRARY" | awk '$1 == "libc.so.6" { print $3 }')
  comm -23 <(nm "$JYTHONSOCK_LIBRARY" | awk '$2 ~ /[tdbr]/ && $3 ~ /^[a-z][a-z0-9_]*$/ { print $3 }' | sort -u) \
    <(nm -D "$libc" | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u) |
    grep -vxE 'frame_dummy|(de)?register_tm_clones|at_quick_exit'
}

@test "a program may export functions with our private names" {
  local source=$BATS_TEST_TMPDIR/collisions
  {
    printf '#include <stdlib.h>\n#include <sys/socket.h>\n'
    private_names | sed 's/.*/void &(void); void &(void) { abort(); }/'
    printf 'int main(void) { int fd = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr name = { .sa_family = AF_INET };\n'
    printf 'return bind(fd, &name, 16) || send(fd, "x", 1, 0) != -1 || listen(fd, 1) || shutdown(fd, 2) || listen(fd, 1) != -1; }\n'
  } >"$source.c"
  [[ $(grep -c abort "$source.c") -gt 100 ]]
  cc -w -fno-builtin -rdynamic -o "$source" "$source.c"
  run shim "$source"
  [[ $status -eq 0 ]]
  run "$source"
  [[ $status -ne 0 ]]
}

@test "signal handlers may call into sockets at any moment" {
  tells signals <<'END'
in the end: listener
interrupted
END
}

@test "threads may be cancelled inside calls" {
  tells cancel <<'END'
accept cancelled 50 times
recv cancelled 50 times
recvfrom cancelled 50 times
accept serves
listener: listener
client: client
datagram: udp made
END
}

@test "threads may use one descriptor, many, and numbers that others close" {
  tells threads 1000 any <<'END'
one descriptor: listener
lost as a listener: 0 times
a new one: unmade
END
}

@test "no call allocates memory, not even the first time" {
  local profile
  for profile in $PROFILES; do
    run env LD_PRELOAD="$JYTHONSOCK_LIBRARY" JYTHONSOCK_PROFILE="$profile" \
      JYTHONSOCK_REPORT="$BATS_TEST_TMPDIR/$profile" "$HOSTS/quiet"
    printf '%s: %s\n' "$profile" "$output"
    [[ $output == allocations=0 && $(findings "$BATS_TEST_TMPDIR/$profile" | wc -l) -gt 3 ]]
  done
  JYTHONSOCK_RULES=all=report reports_change_nothing quiet
}

@test "reporting everything changes nothing for any host" {
  local name
  for name in duplicate "reuse close" "reuse unseen" rights forks "images vfork-renamed" fastopen memory; do
    printf '%s\n' "$name"
    # shellcheck disable=SC2086  # arguments
    reports_change_nothing $name
  done
}
