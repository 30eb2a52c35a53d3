#!/usr/bin/env bats
# Test suites of Debian packages, observed: the same results, test by test, and the known
# Jython bugs of these projects found again.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of findings.bash

load findings
export BATS_TEST_TIMEOUT=180

setup() {
  findings_setup
  unset JYTHONSOCK_REPORT JYTHONSOCK_RULES
}

# has_module NAME...
has_module() {
  local module
  for module; do
    "$PYTHON" -c "import $module" 2>/dev/null || skip "Python has no module $module"
  done
}

# same_results SUITE LEAST: plain and observed.  Other work on the machine may spoil a test
# that is timed: then once more.
same_results() {
  local suite=$1 least=$2
  "$ROOT/tests/suites/run-suite" "$suite" . || "$ROOT/tests/suites/run-suite" "$suite" .
  (($(wc -l <plain.txt) >= least))
}

# found PATTERN...: lines of the report.
found() {
  local pattern
  for pattern; do
    grep -Eq "$pattern" report.txt || fail "no $pattern in $(cat report.txt)"
  done
}

@test "Twisted: the port of 0, SO_ERROR, what shutdown of a listener does not do, wakers of AF_UNIX" {
  has_module twisted
  same_results twisted-tcp 400
  found '/twisted/.*: getsockname before listen answers port 0 .* \[deferred-bind\]' \
    '/twisted/internet/tcp.py:[0-9]+: warning: getsockopt SOL_SOCKET, SO_ERROR fails .* \[introspection-option\]' \
    '/twisted/internet/tcp.py:[0-9]+: warning: shutdown does nothing .* \[shutdown-noop\]' \
    '/twisted/internet/.*: warning: socketpair AF_UNIX, .* \[socket-family\]'
}

@test "Cheroot, requests, urllib3: TCP_NODELAY on a listener, the port of 0, poll on a blocking socket" {
  has_module pytest cheroot portend requests_toolbelt jaraco.context
  same_results cheroot-wsgi 3
  found '/cheroot/server.py:[0-9]+: warning: listen fails .*IPPROTO_TCP, TCP_NODELAY.* \[late-option-error\]' \
    '/portend.py:[0-9]+: warning: getsockname before listen answers port 0' \
    '/cheroot/connections.py:[0-9]+: warning: epoll_ctl on a socket in blocking mode fails' \
    '/urllib3/util/.*: warning: poll on a socket in blocking mode fails'
}

@test "redis-py and a real Redis" {
  requires redis-server
  has_module redis
  same_results redis 10
  found '/redis/connection.py:[0-9]+: warning: setsockopt IPPROTO_TCP, TCP_KEEPIDLE fails .* \[unsupported-option\]'
}

@test "requests and urllib3" {
  has_module requests urllib3
  same_results http 7
  found '/urllib3/'
}
