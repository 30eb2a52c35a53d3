#!/usr/bin/env bats
# The pytest plugin.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of findings.bash

load findings

setup() {
  findings_setup
  unset JYTHONSOCK_REPORT JYTHONSOCK_RULES
  "$PYTHON" -c 'import pytest' 2>/dev/null || skip 'python3-pytest is not installed'
  export PYTHONPATH=$ROOT/scripts
  program test_ports.py <<'END'
import pytest, socket, ssl
def port():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    n = s.getsockname()[1]
    s.close()
    return n
def test_one(): assert port()
def test_two(): assert port() == -1
@pytest.mark.parametrize("n", [1, 2])
def test_option(n):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, n)
    s.close()
def test_clean():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    with socket.create_connection(server.getsockname()) as s: # what ssl.py asks of it is no finding
        ssl.create_default_context().wrap_socket(s, server_hostname="x", do_handshake_on_connect=False).close()
END
}

teardown() {
  programs_teardown
}

plugin() {
  run "$PYTHON" -m pytest -q -p no:cacheprovider -p pytest_jythonsock --junitxml=junit.xml "$@"
}

attached() { # names of the tests that have findings attached
  "$PYTHON" - <<'END'
import xml.etree.ElementTree as tree
cases = tree.parse("junit.xml").getroot().iter("testcase")
print(" ".join(sorted("%s:%d" % (c.get("name"), len(c.findall("properties/property[@name='jythonsock']"))) for c in cases)))
END
}

expected='test_clean:0 test_one:1 test_option[1]:1 test_option[2]:1 test_two:1'

@test "without its option the plugin does nothing" {
  plugin
  assert_failure 1
  refute_output --partial 'warning: getsockname'
}

@test "findings go with the test that caused them, and into the summary" {
  plugin --jythonsock
  assert_failure 1 # test_two, as without
  assert_line --partial '1 failed, 4 passed'
  assert_line --regexp '^-+ jythonsock -+$'
  assert_line --regexp 'test_ports.py:5: warning: getsockname before listen answers port 0 .*\(2 times\)$'
  assert_line 'test_ports.py:5: note: in test_ports.py::test_one, test_ports.py::test_two'
  [[ $(attached) == "$expected" ]]
}

@test "so they do under xdist" {
  "$PYTHON" -c 'import xdist' 2>/dev/null || skip 'python3-pytest-xdist is not installed'
  plugin --jythonsock -n 2
  assert_failure 1
  assert_line --partial '1 failed, 4 passed'
  assert_line 'test_ports.py:5: note: in test_ports.py::test_one, test_ports.py::test_two'
  [[ $(attached) == "$expected" ]]
}

@test "the launcher's options can be given, and its exit status is pytest's" {
  plugin --jythonsock -k 'clean or option' --jythonsock-args '--observe --fail-on any --error-exitcode 9'
  assert_failure 9
  plugin --jythonsock -k one --jythonsock-args '--profile 2.5' # enforced: the port is 0
  assert_failure 1
}
