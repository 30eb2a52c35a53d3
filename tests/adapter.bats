#!/usr/bin/env bats
# The CPython adapter, on Debian's python3 and on every other CPython at hand:
# those named in $PYTHONS, else those of pyenv.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of programs.bash

load programs

setup() {
  programs_setup
}

teardown() {
  programs_teardown
}

# others: the other interpreters, one a line.
others() {
  local python
  for python in ${PYTHONS:-"$HOME"/.pyenv/versions/*/bin/python}; do
    [[ ! -x $python ]] || printf '%s\n' "$python"
  done
}

# on_others SCRIPT [ARG...]: every other CPython, plain and under the shim, says what
# Debian's said just now (PyPy and Jython are none).
on_others() {
  local script=$1 python debian_plain=$plain_output debian_shim=$shim_output found=
  shift
  while read -r python; do
    [[ $("$python" -c 'import platform; print(platform.python_implementation())') == CPython ]] || continue
    found=yes
    both "$python" "$SCRIPTS/$script" "$@"
    printf '%s\n' "$python" # shown when it fails
    assert_equal "$plain_output" "$debian_plain"
    assert_equal "$shim_output" "$debian_shim"
    assert_equal "$plain_status$shim_status" 00
  done < <(others)
  [[ -n $found ]] || skip "no other CPython is installed: Debian's alone passed"
}

# modes_expected: how every operation ends in three modes.
modes_expected() {
  cat <<'EOF'
settimeout(0) gettimeout 0.0 blocking False
settimeout(0) accept EAGAIN | settimeout(0) accept timeout
settimeout(0) recv EAGAIN | settimeout(0) recv timeout
settimeout(0) recvfrom EAGAIN | settimeout(0) recvfrom timeout
settimeout(0) send EAGAIN | settimeout(0) send timeout
settimeout(0) connect EINPROGRESS | settimeout(0) connect timeout
setblocking(False) gettimeout 0.0 blocking False
setblocking(False) accept EAGAIN
setblocking(False) recv EAGAIN
setblocking(False) recvfrom EAGAIN
setblocking(False) send EAGAIN
setblocking(False) connect EINPROGRESS
settimeout(0.01) gettimeout 0.01 blocking True
settimeout(0.01) accept timeout
settimeout(0.01) recv timeout
settimeout(0.01) recvfrom timeout
settimeout(0.01) send timeout
settimeout(0.01) connect timeout
EOF
}

@test "settimeout(0) ends in a genuine socket.timeout, setblocking(False) stays non-blocking" {
  differ modes.py 'settimeout(0)' 'setblocking(False)' 'settimeout(0.01)' < <(modes_expected)
  reported zero-timeout call=settimeout mode=enforce
  on_others modes.py 'settimeout(0)' 'setblocking(False)' 'settimeout(0.01)'
}

@test "settimeout(0) waits for one millisecond in poll, setblocking(False) does not poll" {
  requires strace
  local program='import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
try: s.%s; s.accept()
except OSError: pass'
  waits() { # METHOD [PRELOAD]: the accept and poll calls with their timeouts
    # shellcheck disable=SC2059 # the program is a format
    strace -qq -e trace=poll,accept4 -e signal=none -E LD_PRELOAD="${2:-}" "$PYTHON" -c "$(printf "$program" "$1")" 2>&1 |
      sed -E 's/\(.*, (-?[0-9]+)\) *= (-?[0-9]+).*/ \1 \2/; s/accept4.*EAGAIN.*/accept4 EAGAIN/'
  }
  run waits 'settimeout(0)'
  assert_output 'accept4 EAGAIN'
  run waits 'settimeout(0)' "$JYTHONSOCK_LIBRARY"
  assert_output 'poll 1 0'
  run waits 'setblocking(False)' "$JYTHONSOCK_LIBRARY"
  assert_output 'accept4 EAGAIN'
}

@test "timeouts that travel from socket to socket keep their meaning" {
  differ copies.py <<'EOF'
copy of setblocking(False) 0.0 EAGAIN
copy of settimeout(0) 0.0 EAGAIN | copy of settimeout(0) 0.0 timeout
copy of settimeout(0.01) 0.01 timeout
copy of settimeout(None) None
dup of setblocking(False) 0.0 EAGAIN
default zero 0.0 EAGAIN | default zero 0.0 timeout
default 0.01 0.01 timeout
settimeout(0), then setblocking(False) 0.0 EAGAIN
and settimeout(0) again 0.0 EAGAIN | and settimeout(0) again 0.0 timeout
and blocking again None
settimeout '0' TypeError
settimeout -1 ValueError
EOF
  on_others copies.py
}

@test "setdefaulttimeout(0) before the first socket is one millisecond, too" {
  differ default_first.py <<'EOF'
first socket: 0.0 EAGAIN | first socket: 0.0 timeout
second socket: 0.0 EAGAIN | second socket: 0.0 timeout
default: 0.0
EOF
  reported zero-timeout call=setdefaulttimeout
  on_others default_first.py
}

@test "UDP receives in timeout mode give no source address" {
  differ sources.py <<'EOF'
blocking recvfrom 2 address
blocking recvfrom_into 2 address
timeout recvfrom 2 address | timeout recvfrom 2 (None, -1)
timeout recvfrom_into 2 address | timeout recvfrom_into 2 (None, -1)
zero recvfrom 2 address | zero recvfrom 2 (None, -1)
zero recvfrom_into 2 address | zero recvfrom_into 2 (None, -1)
non-blocking recvfrom 2 address
non-blocking recvfrom_into 2 address
EOF
  reported udp-null-source mode=enforce kind=udp
  on_others sources.py
}

@test "recvmsg and recvmsg_into give no source address either" {
  differ sources.py messages <<'EOF'
blocking recvmsg 4 address
blocking recvmsg_into 4 address
timeout recvmsg 4 address | timeout recvmsg 4 (None, -1)
timeout recvmsg_into 4 address | timeout recvmsg_into 4 (None, -1)
zero recvmsg 4 address | zero recvmsg 4 (None, -1)
zero recvmsg_into 4 address | zero recvmsg_into 4 (None, -1)
non-blocking recvmsg 4 address
non-blocking recvmsg_into 4 address
EOF
}

@test "zero-timeout and udp-null-source switched off leave CPython's sockets as they are" {
  local rules
  for rules in all=off zero-timeout=off,udp-null-source=off zero-timeout=report,udp-null-source=report; do
    export JYTHONSOCK_RULES=$rules
    same "$PYTHON" "$SCRIPTS/copies.py"
    same "$PYTHON" "$SCRIPTS/default_first.py"
    same "$PYTHON" "$SCRIPTS/sources.py"
  done
}

@test "TLS keeps working in every mode, with an honest timeout" {
  requires openssl
  export JYTHONSOCK_RULES=tls-verify=off
  openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2>/dev/null
  differ tls_flows.py cert.pem key.pem <<'EOF'
settimeout(None) gettimeout None
settimeout(None) b'HELLO'
settimeout(10) gettimeout 10.0
settimeout(10) b'HELLO'
setblocking(False) gettimeout 0.0
setblocking(False) b'HELLO'
settimeout(0) gettimeout 0.0 handshake False | settimeout(0) gettimeout 0.0 handshake True
setblocking(False) gettimeout 0.0 handshake False
EOF
}

@test "threads that make the first sockets together all get the adapter" {
  differ threads.py <<'EOF'
first EAGAIN | first timeout
setblocking(False) EAGAIN
settimeout(0) EAGAIN | settimeout(0) timeout
EOF
  on_others threads.py
}

@test "fork before the first socket, after it and among threads" {
  differ forks.py <<'EOF'
before the first socket: EAGAIN | before the first socket: timeout
inherited listener: EAGAIN | inherited listener: timeout
new socket: EAGAIN | new socket: timeout
inherited pending bind: True
among threads: EAGAIN | among threads: timeout
EOF
  on_others forks.py
}

@test "sub-interpreters neither crash nor take the adapter away" {
  local python
  both "$PYTHON" "$SCRIPTS/interpreters.py"
  assert_equal "$(sort -u <<<"$plain_output")" 'first EAGAIN EAGAIN
last EAGAIN EAGAIN
main EAGAIN EAGAIN
second EAGAIN EAGAIN
thread EAGAIN EAGAIN'
  while read -r python; do
    "$python" -c 'import _xxsubinterpreters' 2>/dev/null || "$python" -c 'import _interpreters' 2>/dev/null || continue
    run shim timeout 50 "$python" "$SCRIPTS/interpreters.py"
    printf '%s\n' "$python"
    assert_success
    assert_line 'main timeout EAGAIN'
    assert_line 'last timeout EAGAIN'
    assert_equal "${#lines[@]}" 8
  done < <(printf '%s\n' "$PYTHON" && others)
}

@test "a C program with CPython inside works, and gets the adapter" {
  local config=$PYTHON-config
  requires gcc "$config"
  # shellcheck disable=SC2046 # flags are words
  gcc -o embedded "$ROOT/tests/python/embedded.c" $("$config" --embed --cflags --ldflags)
  both ./embedded
  assert_equal "$plain_status$shim_status" 00
  assert_equal "$shim_output" "${plain_output//EAGAIN/timeout}"
  assert_equal "$(grep -c EAGAIN <<<"$plain_output")" 4
  assert_equal "$(tail -n1 <<<"$shim_output")" 'own socket 0 0'
}

@test "CPython is left alone, with one note, where its methods are not what they must be" {
  same "$PYTHON" "$SCRIPTS/refused_layout.py"
  assert_equal "$shim_output" "0.0 EAGAIN
0.0 EAGAIN
0.0 EAGAIN"
  run jq -c 'select(.note == "python")' "$REPORT"
  assert_equal "${#lines[@]}" 1
  assert_output --partial '_socket.socket'
}
