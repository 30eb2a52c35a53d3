# For the TLS tests: a server for every row of the verdict table, and clients.
# shellcheck shell=bash disable=SC2034,SC2154
# (some variables are for the tests and Bats, some are from it)

load helper
bats_load_library bats-support
bats_load_library bats-assert

TLS=$ROOT/tests/tls
BATS_TEST_TIMEOUT=120 # no program may hang

# farm_up: certificates in $FARM/pki, servers at the ports of $FARM/ports.
farm_up() {
  export FARM=$BATS_FILE_TMPDIR
  "$TLS/certificates" "$FARM/pki" || return
  cat "$FARM"/pki/anchors/*.pem >"$FARM/all.pem"
  farm_serve pki
  "${CC:-gcc}" -O1 -g -o "$FARM/client" "$TLS/client.c" -lssl -lcrypto -pthread
}

# farm_serve DIR: serve $FARM/DIR (ports: DIR.ports, log: DIR.log).
farm_serve() {
  local dir=$1
  "$PYTHON" -W ignore "$TLS/server.py" "$FARM/$dir" "$FARM/$dir.ports" "$FARM/$dir.log" 3>&- &
  printf '%s\n' "$!" >>"$FARM/pids"
  wait_for_line "$FARM/$dir.ports" .
}

farm_down() {
  local pid
  while read -r pid; do
    kill "$pid" || :
  done <"$FARM/pids"
}

# port_of NAME: where the server of that row listens.
port_of() {
  awk -v name="$1" '$1 == name { print $2 }' "$FARM/pki.ports"
}

# dtls_server PORT NAME: with that row's certificate, in the background.
# shellcheck disable=SC2016  # expanded by the inner shells
dtls_server() {
  local port=$1 name=$2
  # s_server without a terminal reads its standard input: one that never ends
  start bash -c 'exec "$@" <> <(:)' _ openssl s_server -dtls -accept "127.0.0.1:$port" -cert "$FARM/pki/$name.crt" \
    -key "$FARM/pki/$name.served.key" -quiet >server.out 2>&1
  timeout 10 bash -c 'until grep -q "0100007F:$(printf %04X "$1") " /proc/net/udp; do read -rt 0.02 <> <(:) || :; done' _ "$port"
}

# row NAME: its line for a client's standard input.
row() {
  awk -v name="$1" '$1 == name' "$FARM/pki.ports"
}

# verdicts: a client's output without the reasons.
verdicts() {
  sed -E 's/ (ok|fail).*/ \1/'
}

# trusting STORE [PASSWORD]: for this test.
trusting() {
  export JYTHONSOCK_TRUSTSTORE=$1
  if [[ $# -gt 1 ]]; then
    export JYTHONSOCK_TRUSTSTORE_PASSWORD=$2
  else
    unset JYTHONSOCK_TRUSTSTORE_PASSWORD
  fi
}

# tls_setup: each test has a directory and a report of its own, and trusts all anchors.
tls_setup() {
  STARTED=()
  cd "$BATS_TEST_TMPDIR" || return
  unset JAVA_TOOL_OPTIONS JYTHONSOCK_TRUST_ALL JYTHONSOCK_RULES JYTHONSOCK_PROFILE SSL_CERT_FILE SSL_CERT_DIR
  export JYTHONSOCK_REPORT=$BATS_TEST_TMPDIR/report
  : >"$JYTHONSOCK_REPORT"
  trusting "$FARM/all.pem"
}

# refused_as: each line on stdin (certificate, verify result, alert) is what an
# ordinary client and its server see.
refused_as() {
  local name reason alert
  while read -r name reason alert; do
    : >"$FARM/pki.log"
    row "$name" | shim "$FARM/client" connect >out
    grep -Fq "$name fail: SSL_get_error 1, certificate verify failed, verify result $reason, errno 0" out || { cat out; return 1; }
    wait_for_line "$FARM/pki.log" "^$name $alert\$" || { cat "$FARM/pki.log"; return 1; }
  done
}

# resumes: a session is resumed within its process; that of a server which is refused
# is not, even if another process had it.
resumes() {
  local port
  port=$(port_of valid)
  run -0 shim "$FARM/sessions" "$port" resume
  assert_output 'reused 0 1'
  run -0 shim "$FARM/sessions" "$(port_of self-signed)" resume
  assert_output refused
  port=$(port_of self-signed)
  "$FARM/sessions" "$port" save self-signed.session
  run -0 "$FARM/sessions" "$port" load self-signed.session
  assert_output 'reused 1'
  run -0 shim "$FARM/sessions" "$port" load self-signed.session
  assert_output refused
}
