#!/usr/bin/env bats
# scripts/jythonsock: run, explain, rules, doctor, suppressions and baselines.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of findings.bash

load findings

setup() {
  findings_setup
  unset JYTHONSOCK_REPORT JYTHONSOCK_RULES
  options_program
}

teardown() {
  programs_teardown
}

launch() {
  run --separate-stderr "$JYTHONSOCK" "$@"
}

bats_require_minimum_version 1.5.0

@test "run shows findings in gcc's style, on standard error, and leaves the program's output alone" {
  launch run --observe -- "$PYTHON" options.py
  assert_success
  assert_output 'done'
  [[ $stderr == *'options.py:8: warning: getsockname before listen answers port 0 on Jython 2.5 [deferred-bind] (12 times)'* ]]
  [[ $stderr == *'options.py:4: warning: setsockopt SOL_SOCKET, SO_REUSEPORT fails with ENOPROTOOPT'* ]]
  [[ $stderr == *'3 findings in 1 file, 1 process'* ]]
}

@test "run enforces unless it is told to observe" {
  run "$JYTHONSOCK" run -q -- "$PYTHON" -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1] == 0)'
  assert_line True
  run "$JYTHONSOCK" run -q --observe -- "$PYTHON" -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1] == 0)'
  assert_line False
}

@test "observing a profile leaves out the rules that it does not have" {
  launch run --observe --profile 2.5 --keep report -- "$PYTHON" -c pass
  [[ $(jq -r '.reported | index("send-cap"), (index("deferred-bind") != null)' report | paste -sd ' ') == 'null true' ]]
  launch run --observe --profile 2.7 --keep report -- "$PYTHON" -c pass
  [[ $(jq -r '.reported | index("zero-timeout"), (index("send-cap") != null)' report | paste -sd ' ') == 'null true' ]]
}

@test "the exit status is the child's, also 126, 127 and that of a signal" {
  local code
  for code in 0 3 125 200; do
    launch run -- sh -c "exit $code"
    [[ $status == "$code" ]]
  done
  launch run -- ./nosuch
  [[ $status == 127 ]]
  launch run -- /
  [[ $status == 126 ]]
  launch run -- sh -c 'kill -9 $$'
  [[ $status == 137 && $stderr != *Killed* ]]
}

@test "usage errors are 125, and say what is wrong" {
  local arguments
  for arguments in 'run' 'run --format x -- true' 'run --profile 9 -- true' 'run --rules x=y -- true' 'run --fail-on x -- true' \
    'run --error-exitcode x -- true' 'run --nonsense -- true' 'run --baseline nosuch -- true' 'run --format' 'nonsense' 'report x' \
    'report text nosuch' 'report text' 'explain nosuch' 'rules 9' 'bisect' 'bisect --repeat 0 -- true' ''; do
    # shellcheck disable=SC2086
    launch $arguments
    [[ $status == 125 && $stderr == *jythonsock* && -z $output ]] || fail "$arguments: $status $output"
  done
}

@test "standard input and signals reach the program" {
  launch run -q -- cat <<<'through'
  assert_output through
  "$JYTHONSOCK" run -q -- "$PYTHON" -c 'import signal, sys
signal.signal(signal.SIGTERM, lambda *a: sys.exit(9))
print("up", flush=True)
signal.pause()' >log &
  wait_for_line log up
  kill -TERM $!
  status=0
  wait $! || status=$?
  [[ $status == 9 ]]
}

@test "SIGINT is not ignored by the program" {
  # whoever runs the tests may ignore it
  run env --default-signal=INT "$JYTHONSOCK" run -q -- "$PYTHON" -c 'import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)'
  assert_output True
}

@test "an LD_PRELOAD that was there is kept, after ours" {
  # shellcheck disable=SC2016
  LD_PRELOAD=libm.so.6 launch run -q -- sh -c 'echo "$LD_PRELOAD"'
  assert_output "$JYTHONSOCK_LIBRARY:libm.so.6"
}

@test "findings fail a run that succeeded, if asked to, with the status asked for" {
  launch run --observe --fail-on any -- "$PYTHON" options.py
  [[ $status == 1 ]]
  launch run --observe --fail-on any --error-exitcode 42 -- "$PYTHON" options.py
  [[ $status == 42 ]]
  launch run --observe --fail-on any --error-exitcode 42 -- sh -c "$PYTHON options.py; exit 3"
  [[ $status == 3 ]]
  launch run --observe --fail-on any -- env true
  [[ $status == 0 ]]
  launch run --observe -- "$PYTHON" options.py
  [[ $status == 0 ]]
}

@test "a baseline lets only new findings fail" {
  launch run --observe -q --keep report -- "$PYTHON" options.py
  "$JYTHONSOCK" baseline report >known
  launch run --observe --baseline known -- "$PYTHON" options.py
  assert_success
  [[ $stderr == *', 0 new'* ]]
  sed -i '1i # moved down' options.py # the same findings, one line further
  launch run --observe --baseline known -- "$PYTHON" options.py
  assert_success
  printf 's = socket.socket()\ns.getsockname()\ns.close()\n' >>options.py
  launch run --observe --baseline known -- "$PYTHON" options.py
  [[ $status == 1 && $stderr == *', 1 new'* ]]
}

@test "suppressions hide by rule, path and line; one that is never used is told of" {
  cat >list <<'END'
# what we know of
deferred-bind:options.py            # asks again after listen
unsupported-option:**/opt*.py:4     # optional
introspection-option:other.py       # gone
*:nosuch/*.py
END
  cp list .jythonsock
  launch run --observe -- "$PYTHON" "$PWD/options.py"
  assert_success
  [[ $stderr != *'[deferred-bind]'* && $stderr != *'[unsupported-option]'* && $stderr == *'[introspection-option]'* ]]
  [[ $stderr == *'2 suppressed'* ]]
  [[ $stderr == *'suppression never used: introspection-option:other.py'* && $stderr == *'suppression never used: *:nosuch/*.py'* ]]
  echo 'no entry' >list
  launch run --suppressions list -- env true
  [[ $status == 125 && $stderr == *'list:1'* ]]
}

@test "a program that the shim cannot reach is told of, with the reason" {
  printf 'int main(void) { return 3; }\n' >main.c
  gcc -static -o static main.c 2>/dev/null || skip 'no static libc'
  gcc -o dynamic main.c
  launch run -- ./static
  [[ $status == 3 && $stderr == *'not loaded into ./static: it is statically linked'* ]]
  printf '#!%s/static\n' "$PWD" >script && chmod +x script
  launch run -- ./script
  [[ $stderr == *'it is a script for '*'statically linked'* ]]
  cp dynamic foreign
  printf '\x28' | dd of=foreign bs=1 seek=18 conv=notrunc status=none
  launch run -- ./foreign
  [[ $stderr == *'another architecture'* ]]
  launch run -- ./dynamic
  [[ $status == 3 && $stderr != *'not loaded'* ]]
  launch run -q -- ./static
  [[ $status == 3 && -z $stderr ]]
}

@test "doctor tells why setuid programs and those with capabilities are out of reach" {
  printf 'int main(void) { return 3; }\n' >main.c
  gcc -o plain main.c
  cp plain setuid && chmod u+s setuid
  launch doctor ./setuid
  [[ $status == 1 && $output == *'setuid'* ]]
  cp plain capable
  if setcap cap_net_raw+ep capable 2>/dev/null || /sbin/setcap cap_net_raw+ep capable 2>/dev/null; then
    launch doctor ./capable
    [[ $status == 1 && $output == *'file capabilities'* ]]
  fi
  launch doctor ./plain
  [[ $status == 0 && $output == *'ok   the shim reaches ./plain'* ]]
}

@test "doctor shows Python, its modules, and that the adapter works" {
  launch doctor "$PYTHON"
  assert_success
  assert_output --partial 'CPython 3.'
  assert_output --partial 'settimeout(0) and setblocking(False) are told apart'
  refute_output --partial 'not told apart'
}

@test "doctor notices a library that cannot be loaded" {
  echo nonsense >broken.so
  JYTHONSOCK_LIBRARY=$PWD/broken.so JYTHONSOCK_TABLES=$(dirname "$JYTHONSOCK_LIBRARY")/rules.json launch doctor
  [[ $status == 1 && $output == *'no   the library is not loadable here'* ]]
}

@test "explain has an answer for every rule" {
  local rule rules
  rules=$(sed -n 's/^RULE([A-Z_0-9]*, *"\([^"]*\)".*/\1/p' "$ROOT/compat/rules.def")
  [[ $(wc -l <<<"$rules") -gt 30 ]]
  for rule in $rules; do
    launch explain "$rule"
    assert_success
    assert_output --partial 'What to write instead'
    assert_output --partial '# works everywhere'
  done
}

@test "the examples of explain are Python" {
  jq -r '.rules[] | @base64 "\(.name) \(.example)"' "$(dirname "$JYTHONSOCK_LIBRARY")/rules.json" >/dev/null
  "$PYTHON" - "$(dirname "$JYTHONSOCK_LIBRARY")/rules.json" <<'END'
import json, sys
for rule in json.load(open(sys.argv[1]))["rules"]:
    code = rule["example"]
    if code.startswith("except"):
        code = "try:\n    pass\n" + code
    compile("def example():\n" + "".join("    " + line for line in code.splitlines(True)), rule["name"], "exec")
END
}

@test "rules shows the modes of a profile" {
  launch rules 2.7
  [[ $output =~ send-cap\ +enforce ]]
  launch rules
  [[ $output =~ zero-timeout\ +enforce\ +off\ +off ]]
}

@test "run leaves nothing behind, and works without a terminal, in a directory that cannot be written" {
  export TMPDIR=$PWD/tmp
  mkdir tmp ro && chmod 555 ro && cd ro
  launch run --observe -- "$PYTHON" ../options.py
  assert_success
  [[ -z $(ls -A "$TMPDIR") && $stderr != *$'\r'* ]]
}

@test "an installed launcher finds what it needs" {
  make -s -C "$ROOT" BUILD="$(dirname "$JYTHONSOCK_LIBRARY")" install DESTDIR="$PWD/root" PREFIX=/usr
  unset JYTHONSOCK_LIBRARY
  run root/usr/bin/jythonsock run --observe -- "$PYTHON" options.py
  assert_success
  assert_output --partial '[deferred-bind]'
  run root/usr/bin/jythonsock explain deferred-bind
  assert_success
  ln -s "$PWD/root/usr/bin/jythonsock" link
  run ./link rules
  assert_success
}

@test "a Go program is told not to be reached, static or not" {
  type -P go >/dev/null || skip 'Go is not installed'
  printf 'package main\n\nimport "net"\n\nfunc main() { net.Listen("tcp", "127.0.0.1:0") }\n' >main.go
  HOME=$PWD GO111MODULE=off CGO_ENABLED=0 go build -o static main.go
  HOME=$PWD GO111MODULE=off CGO_ENABLED=1 go build -o dynamic main.go
  launch run -- ./static
  [[ $status == 0 && $stderr == *'not loaded into ./static: it is a static Go program'* ]]
  launch run -- ./dynamic
  [[ $status == 0 && $stderr == *'does not see its calls: it is a Go program'* ]]
}
