#!/usr/bin/env bats
# Programs that never touch a socket: nothing may tell them that the library is there.

load programs

setup() {
  programs_setup
  unset JYTHONSOCK_REPORT
}

teardown() {
  programs_teardown
}

# observe NAME COMMAND [ARG...]: its output, errors and status as files.
observe() {
  local name=$1 status=0
  shift
  mkdir -p "$name"
  "$@" >"$name/stdout" 2>"$name/stderr" || status=$?
  printf '%s\n' "$status" >"$name/status"
}

# unchanged COMMAND [ARG...]: the same output, errors and status in every profile, also
# with a report.
unchanged() {
  local profile
  observe plain env -u LD_PRELOAD "$@"
  for profile in 2.5 2.5.3 2.7; do
    observe "$profile" env LD_PRELOAD="$JYTHONSOCK_LIBRARY" JYTHONSOCK_PROFILE="$profile" "$@"
    diff -r plain "$profile"
  done
  observe reporting env LD_PRELOAD="$JYTHONSOCK_LIBRARY" JYTHONSOCK_REPORT="$REPORT" "$@"
  diff -r plain reporting
}

# status_is NUMBER: of the command that unchanged ran, so that an early failure shows.
status_is() {
  local number=$1
  assert_equal "$(<plain/status)" "$number"
}

@test "ls says the same, and has the same descriptors" {
  unchanged ls -la /usr/bin /nonexistent
  status_is 2
  unchanged ls -x /proc/self/fd
  status_is 0
}

@test "gcc builds the same object, warns and fails as before" {
  requires gcc
  printf 'int main(int argc, char **argv) { int unused; return argc; }\n' >good.c
  printf 'int main(void) { return nothing; }\n' >bad.c
  unchanged bash -c 'gcc -Wall -Wextra -O2 -o good good.c && cat good'
  status_is 0
  grep -q unused plain/stderr
  unchanged gcc -c bad.c
  status_is 1
}

@test "git makes the same repository, and clones it" {
  requires git
  export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
  export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_GLOBAL=/dev/null
  unchanged bash -c 'rm -rf one two && git init -q one && cd one && seq 1000 >file && git add . &&
    git commit -q -m message && git gc -q && git clone -q . ../two && git -C ../two log --stat && git fsck'
  status_is 0
  unchanged git -C one show nothing
  status_is 128
}

@test "bash runs pipelines, substitutions, coprocesses and exits as before" {
  # shellcheck disable=SC2016 # expanded by the inner shell
  unchanged bash -c '
    seq 1000 | grep 7 | wc -l
    diff <(seq 3) <(seq 4)
    coproc tr a-z A-Z; echo hello >&"${COPROC[1]}"; exec {COPROC[1]}>&-; cat <&"${COPROC[0]}"
    cat <<<"here" 1>&2
    exec 7>file 8<&7; echo seven >&7; exec 7>&-
    ls /proc/$$/fd
    exec 0<&- ; ls /proc/self/fd
    trap "echo trapped" EXIT
    sleep 100 & kill -9 $!; wait $! 2>/dev/null; echo $?
    exit 7'
  status_is 7
}

@test "sort gives the same order, through temporary files and threads too" {
  # shellcheck disable=SC2016 # expanded by the inner shell
  unchanged bash -c 'seq 200000 | sort --parallel=2 -S 1M -r | sha256sum; seq 10 | sort -c -r'
  status_is 1
}

@test "a program with standard input, output or error closed fares the same" {
  # shellcheck disable=SC2016 # expanded by the inner shell
  unchanged bash -c 'cat <&-; echo $?; (ls /proc/self/fd >&-); echo $?; (ls /proc/self/fd 2>&-); exec 0<&- 2>&-; ls /proc/self/fd'
  status_is 0
}

@test "a shell that is killed by SIGPIPE is killed by SIGPIPE" {
  # shellcheck disable=SC2016 # expanded by the inner shell
  unchanged bash -c 'yes | head -n1; echo "${PIPESTATUS[0]}"'
  grep -qx 141 plain/stdout
}

# calls NAME PRELOAD COMMAND [ARG...]: every system call, without what differs from run
# to run.
calls() {
  local name=$1 preload=$2
  shift 2
  strace -qq -f -E "LD_PRELOAD${preload:+=$preload}" -o "$name.raw" "$@" >/dev/null
  sed -E 's/^[0-9]+ +//; s/0x[0-9a-f]+/POINTER/g; /^(set_tid_address|getrandom|sysinfo)/s/\(.*//; /^execve/s/\/\*.*//' \
    "$name.raw" >"$name"
}

@test "after its start the library makes no system call of its own" {
  requires strace
  local own rest
  seq 100 >numbers
  calls plain "" sort numbers
  calls shim "$JYTHONSOCK_LIBRARY" sort numbers
  # What is left of plain when it is subtracted from shim: the loader and the start.
  run bash -c 'diff plain shim | grep "^<"'
  assert_output ''
  own=$(diff plain shim | sed -n 's/^> \([a-z_0-9]*\).*/\1/p' | sort -u | xargs)
  assert_equal "$own" 'close getpid getsockopt madvise mmap mprotect newfstatat openat read'
  # ...of which the last is the look at descriptor 2; from there on both are one.
  rest=$(sed -n '/^getsockopt(2,/,$p' shim | tail -n +2)
  [[ -n $rest ]]
  assert_equal "$(tail -n "$(wc -l <<<"$rest")" plain)" "$rest"
}

@test "every descriptor that the library opens is closed at once" {
  requires strace
  export JYTHONSOCK_REPORT=$REPORT JYTHONSOCK_PROFILE
  for JYTHONSOCK_PROFILE in 2.5 2.5.3 2.7; do
    strace -qq -f -e trace=openat,close -o trace env LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$PYTHON" "$SCRIPTS/options.py" >/dev/null
    [[ $(grep -c "$REPORT" trace) -gt 10 ]] # it did report
    # The line after each opening of a file of ours closes that number.
    run awk -v ours="$REPORT|$JYTHONSOCK_LIBRARY" '
      $0 ~ ours && / = [0-9]+$/ { number = $NF; file = $0; next }
      number != "" { if ($0 !~ "close\\(" number "\\)") print file; number = "" }' trace
    assert_output ''
  done
}
