# scripts/jythonsock compare: a script on the shim and on the installed Jython.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

setup() {
  load helper
  bats_load_library bats-support
  bats_load_library bats-assert
  COMPARE=$ROOT/scripts/lib/compare
  SCRIPTS=$ROOT/tests/conformance/side_by_side
}

need_jython() {
  [[ -n $(command -v "${JYTHON:-jython}") ]] || skip 'jython is not installed (apt-get install jython)'
}

@test "a script that both run alike is shown as the same" {
  need_jython
  run -0 "$COMPARE" "$SCRIPTS/talk.py"
  assert_line --partial 'Thread-1.s1.sendall'
  assert_line --regexp "^s2.recv\(10\) -> b'hello' +s2.recv\(10\) -> b'hello'\$"
  assert_line 'The same: 17 steps.'
}

@test "the first difference is named, with what each side did" {
  need_jython
  run -1 "$COMPARE" --profile 2.5 "$SCRIPTS/bind_twice.py"
  assert_line 'First difference: step 3'
  assert_line "  Jython      s1.bind(('127.0.0.2', 0)) -> None"
  assert_line "  jythonsock  s1.bind(('127.0.0.2', 0)) -> error:EINVAL"
}

@test "a script that never ends is stopped on both sides" {
  need_jython
  printf 'import socket\ns = socket.socket()\ns.bind(("127.0.0.1", 0))\ns.listen(1)\ns.accept()\n' >"$BATS_TEST_TMPDIR/waits.py"
  run -0 "$COMPARE" --seconds 6 "$BATS_TEST_TMPDIR/waits.py"
  assert_line --partial 'stopped after 6 seconds'
}

@test "without Jython one line says what to install" {
  local stderr=
  JYTHON=no-such-jython run -2 --separate-stderr "$COMPARE" "$SCRIPTS/talk.py"
  assert_equal "$stderr" 'jythonsock compare: Jython is not installed: apt-get install jython'
  assert_equal "$output" ''
}

@test "a script that cannot be read is trouble, not a difference" {
  need_jython
  run -2 "$COMPARE" "$BATS_TEST_TMPDIR/none.py"
  assert_output "jythonsock compare: cannot read $BATS_TEST_TMPDIR/none.py"
}
