#!/usr/bin/env bats
# Handshakes that nobody asks for: the first read or write makes them; and those in
# which no certificate is verified.

# shellcheck disable=SC2030,SC2031,SC2034  # each test has its own environment; some variables are for Bats and the helper
bats_require_minimum_version 1.5.0
load helper
bats_load_library bats-support
bats_load_library bats-assert

BATS_TEST_TIMEOUT=60
WAYS=(read read-ex peek peek-ex write write-ex bio-read bio-write bio-puts bio-gets memory)

setup_file() {
  export WORK=$BATS_FILE_TMPDIR
  "${CC:-gcc}" -O1 -g -pthread -o "$WORK/implicit" "$ROOT/tests/tls/implicit.c" -lssl -lcrypto
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>/dev/null
  cat "$WORK/cert.pem" "$WORK/key.pem" >"$WORK/both.pem"
}

setup() {
  STARTED=()
  cd "$BATS_TEST_TMPDIR" || return
  unset JAVA_TOOL_OPTIONS JYTHONSOCK_TRUST_ALL JYTHONSOCK_RULES JYTHONSOCK_PROFILE
  export JYTHONSOCK_TRUSTSTORE=$WORK/cert.pem JYTHONSOCK_REPORT=$BATS_TEST_TMPDIR/report
  : >"$JYTHONSOCK_REPORT"
}

teardown() {
  stop_all
}

# every SIDE [shim]: each way, kind and timing; "KIND WAY TIMING: what came of it".
every() {
  local side=$1 kind way timing
  shift
  for kind in anonymous psk psk13; do
    for way in "${WAYS[@]}"; do
      for timing in blocking nonblocking; do
        printf '%s %s %s: %s\n' "$kind" "$way" "$timing" "$("$@" timeout 20 "$WORK/implicit" "$side" "$kind" "$way" "$timing" 2>&1)"
      done
    done
  done
}

# all_end PATTERN FILE: in that way, and it is a line for each of `every`.
all_end() {
  local pattern=$1 file=$2
  ! grep -vE ": $pattern\$" "$file" && [[ $(wc -l <"$file") -eq $((3 * 2 * ${#WAYS[@]})) ]]
}

@test "a client's first read or write does not get round the check: anonymous ciphers and pre-shared keys are refused" {
  every client >plain
  all_end ok plain
  every client shim >ours
  all_end 'fail: SSL_get_error 1, certificate verify failed, verify result 1, then nothing is read' ours
  [[ $(findings "$JYTHONSOCK_REPORT" tls-verify | jq -r .call | sort -u | xargs) == \
    'BIO_read BIO_write SSL_peek SSL_peek_ex SSL_read SSL_read_ex SSL_write SSL_write_ex' ]]
}

@test "they connect in report mode, with the rule off, and with the all-trusting provider" {
  JYTHONSOCK_RULES=all=report every client shim >ours
  all_end ok ours
  [[ -n $(findings "$JYTHONSOCK_REPORT" tls-verify) ]]
  : >"$JYTHONSOCK_REPORT"
  JYTHONSOCK_TRUST_ALL=1 shim "$WORK/implicit" client psk write blocking | grep -x ok
  JYTHONSOCK_RULES=tls-verify=off shim "$WORK/implicit" client anonymous read nonblocking | grep -x ok
  JYTHONSOCK_PROFILE=2.7 shim "$WORK/implicit" client psk13 bio-gets blocking | grep -x ok
  [[ -z $(findings "$JYTHONSOCK_REPORT" tls-verify) ]]
}

@test "tls-server: a server whose first read or write makes the handshake is reported, and fails where enforced" {
  export JYTHONSOCK_RULES=tls-verify=off
  every server shim >ours
  all_end ok ours
  [[ $(findings "$JYTHONSOCK_REPORT" tls-server | jq -r .call | sort -u | xargs) == \
    'BIO_read BIO_write SSL_peek SSL_peek_ex SSL_read SSL_read_ex SSL_write SSL_write_ex' ]]
  export JYTHONSOCK_RULES=tls-verify=off,tls-server=enforce
  every server shim >ours
  all_end 'fail: SSL_get_error 5, Operation not supported, verify result 0, then nothing is read' ours
}

@test "tls-nonblocking: the same for a client's first read or write on a non-blocking socket" {
  local way
  export JYTHONSOCK_RULES=all=report,tls-nonblocking=enforce
  for way in "${WAYS[@]/memory/read}"; do # a memory BIO has no socket
    shim "$WORK/implicit" client psk "$way" nonblocking | grep -F 'fail: SSL_get_error 5, Unknown error 20000, '
    shim "$WORK/implicit" client psk "$way" blocking | grep -x ok
  done
}

@test "tls-client-certificate: reported where no certificate of the server is verified either" {
  export JYTHONSOCK_RULES=tls-verify=off
  shim "$WORK/implicit" client psk read blocking "$WORK/both.pem" | grep -x ok
  assert_equal "$(findings "$JYTHONSOCK_REPORT" tls-client-certificate | jq -r '.call + " " + .mode')" 'SSL_read report'
}

@test "openssl s_server -WWW, which only ever reads: reported, and silent where enforced" {
  local port
  printf 'a page\n' >page
  port=$(free_port)
  start shim openssl s_server -WWW -accept "127.0.0.1:$port" -cert "$WORK/cert.pem" -key "$WORK/key.pem" >out 2>&1
  wait_for_port "$port"
  curl -sk "https://127.0.0.1:$port/page" | grep 'a page'
  [[ $(findings "$JYTHONSOCK_REPORT" tls-server | jq -r '.mode + " " + .call' | sort -u) == 'report BIO_read' ]]
  stop_all
  port=$(free_port)
  export JYTHONSOCK_RULES=tls-server=enforce
  start shim openssl s_server -WWW -accept "127.0.0.1:$port" -cert "$WORK/cert.pem" -key "$WORK/key.pem" >out 2>&1
  wait_for_port "$port"
  run curl -sk --max-time 10 "https://127.0.0.1:$port/page"
  [[ $status -ne 0 && $output == '' ]]
}

@test "a connection that stands pays a few instructions for a read or a write" {
  command -v valgrind >/dev/null || skip 'valgrind is not installed'
  local call plain ours
  for call in read write; do
    plain=$("$ROOT/scripts/bench-handshake" instructions "$call" '')
    ours=$("$ROOT/scripts/bench-handshake" instructions "$call" "$JYTHONSOCK_LIBRARY")
    printf '%s: %s, %s under the library\n' "$call" "$plain" "$ours"
    [[ $((ours - plain)) -le 60 ]]
  done
}
