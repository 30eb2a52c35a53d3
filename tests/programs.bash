# For the tests that run real programs: the same command plain and under the shim.
# shellcheck shell=bash disable=SC2034,SC2154
# (some variables are for the tests and Bats, some are from it)

load helper
bats_load_library bats-support
bats_load_library bats-assert

SCRIPTS=$ROOT/tests/python
PROGRAMS=$ROOT/tests/programs
export SCRIPTS PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
BATS_TEST_TIMEOUT=60 # no program may hang

# Each test has a directory and a report of its own.
programs_setup() {
  STARTED=()
  REPORT=$BATS_TEST_TMPDIR/report
  cd "$BATS_TEST_TMPDIR" || return
  export JYTHONSOCK_REPORT=$REPORT
  : >"$REPORT"
}

programs_teardown() {
  stop_all
}

# requires COMMAND...: skip the test where one is missing.
requires() {
  local command
  for command; do
    command -v "$command" >/dev/null || skip "$command is not installed"
  done
}

# both COMMAND [ARG...]: sets plain_output, plain_status, shim_output and shim_status;
# standard error goes where standard output goes.
both() {
  run timeout 50 env -u LD_PRELOAD "$@"
  plain_output=$output plain_status=$status
  run timeout 50 env LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$@"
  shim_output=$output shim_status=$status
}

# unwatched COMMAND [ARG...]: under the shim without a report, as most run it, the
# program says what it said with one.
unwatched() {
  run timeout 50 env -u JYTHONSOCK_REPORT LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$@"
  assert_equal "$output" "$shim_output"
  assert_equal "$status" "$shim_status"
}

# same COMMAND [ARG...]: both ended well and said the same.
same() {
  both "$@"
  unwatched "$@"
  assert_equal "$plain_status" 0
  assert_equal "$shim_status" 0
  assert_equal "$shim_output" "$plain_output"
}

# differs COMMAND [ARG...] <<EOF: what a command prints plain and under the shim. A
# line of standard input is "plain | shim", or one text for both.
differs() {
  local line want_plain=() want_shim=()
  while IFS= read -r line; do
    want_plain+=("${line%% | *}")
    want_shim+=("${line##* | }")
  done
  both "$@"
  unwatched "$@"
  assert_equal "$plain_output" "$(printf '%s\n' "${want_plain[@]}")"
  assert_equal "$shim_output" "$(printf '%s\n' "${want_shim[@]}")"
  assert_equal "$plain_status" 0
  assert_equal "$shim_status" 0
}

# differ SCRIPT [ARG...] <<EOF: the same for a script of tests/python.
differ() {
  local script=$1
  shift
  differs "$PYTHON" "$SCRIPTS/$script" "$@"
}

# reported RULE [FIELD=VALUE...]: the report holds such a finding.
reported() {
  local rule=$1 filter="select(.rule == \"$1\")" pair
  shift
  for pair; do
    filter+=" | select((.${pair%%=*} | tostring) == \"${pair#*=}\")"
  done
  [[ -n $(jq -c "$filter" "$REPORT") ]] || {
    printf 'no finding of %s %s in:\n' "$rule" "$*"
    cat "$REPORT"
    return 1
  } >&2
}

# unreported RULE: the report holds none.
unreported() {
  local rule=$1
  run findings "$REPORT" "$rule"
  assert_output ''
}

# --- servers and sessions ---

# page_server: a plain HTTP server for clients; sets $port.
page_server() {
  port=$(free_port)
  start "$PYTHON" -m http.server --bind 127.0.0.1 "$port" >/dev/null 2>&1
  wait_for_port "$port"
}

# nginx_configuration PORT BACKEND MORE: pages of www, and the same through a proxy.
nginx_configuration() {
  local port=$1 backend=$2 more=$3
  # The workers must get at our directory and report.
  ((UID != 0)) || printf 'user %s %s;\n' "$(id -un)" "$(id -gn)"
  cat <<EOF
daemon off; worker_processes 2; error_log stderr warn; pid $PWD/pid;
events { worker_connections 256; }
http {
  access_log off; sendfile on; $more
  client_body_temp_path $PWD/b; proxy_temp_path $PWD/p; fastcgi_temp_path $PWD/f; uwsgi_temp_path $PWD/u; scgi_temp_path $PWD/s;
  upstream backend { server 127.0.0.1:$backend; }
  server { listen 127.0.0.1:$port; root $PWD/www; location /proxy/ { proxy_pass http://backend/; } }
  server { listen 127.0.0.1:$backend; root $PWD/www; }
}
EOF
}

# nginx_up [shim] MORE: nginx with more configuration, listening on $port.
nginx_up() {
  local shim=() more=${*: -1} # the last
  [[ $1 != shim ]] || shim=(shim)
  port=$(free_port)
  nginx_configuration "$port" "$(free_port)" "$more" >nginx.conf
  start "${shim[@]}" nginx -p "$PWD" -c "$PWD/nginx.conf" 2>log
  wait_for_port "$port"
}

# redis_session [shim]: what a server and its clients say, from start to shutdown.
redis_session() {
  local port
  port=$(free_port)
  start "$@" redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$PWD" >server.log 2>&1
  wait_for_port "$port"
  if [[ ${1:-} == shim ]]; then export LD_PRELOAD=$JYTHONSOCK_LIBRARY; fi
  redis-cli -p "$port" set key value
  redis-cli -p "$port" eval 'return redis.call("get", "key")' 0
  seq 1000 | sed 's/^/incrby sum /' | redis-cli -p "$port" --pipe
  redis-cli -p "$port" get sum
  redis-benchmark -p "$port" -n 5000 -c 20 -q --csv -t set,get,lpush | cut -d, -f1
  redis-cli -p "$port" config get tcp-keepalive
  redis-cli -p "$port" shutdown nosave
  unset LD_PRELOAD
  wait "${STARTED[@]}"
  printf 'server ended with %s\n' $?
  STARTED=()
  sed -nE 's/.*# (User requested shutdown|Redis is now ready to exit).*/\1/p' server.log
}

# socat_moves [shim] SERVER CLIENT FILE: a file from client to server; %d is the port.
socat_moves() {
  local shim=() server client file port
  [[ $1 != shim ]] || { shim=(shim); shift; }
  server=$1 client=$2 file=$3
  port=$(free_port)
  start "${shim[@]}" socat -u "${server//%d/$port}" CREATE:received
  "${shim[@]}" socat -u "OPEN:$file" "${client//%d/$port},retry=100,interval=0.05"
  wait "${STARTED[@]}"
  STARTED=()
  cmp "$file" received
}

# socat_answers [shim] SERVER CLIENT: what a line sent over UDP comes back as, before
# $patience seconds without an end are over; the client may come when /proc shows the
# server's socket.
socat_answers() {
  local shim=() server client port
  [[ $1 != shim ]] || { shim=(shim); shift; }
  server=$1 client=$2
  port=$(free_port)
  start "${shim[@]}" socat -t "${patience:-20}" "${server//%d/$port},shut-null,null-eof" EXEC:'tr a-z A-Z'
  until grep -Eq "^ *[0-9]+: 0100007F:$(printf %04X "$port") " /proc/net/udp; do :; done
  printf 'hello\n' | "${shim[@]}" timeout 30 socat -t "${patience:-20}" - "${client//%d/$port},shut-null,null-eof"
  wait "${STARTED[@]}"
  printf 'server ended with %s\n' $?
  STARTED=()
}

# tls_prepare: a certificate, its trust store, and a page.
tls_prepare() {
  openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1 2>/dev/null
  export JYTHONSOCK_TRUSTSTORE=$PWD/cert.pem
  seq 50000 >page
}

# tls_session [shim]: a server and its clients: what was verified, and a page.
tls_session() {
  local shim=() port
  [[ ${1:-} != shim ]] || shim=(shim)
  start "${shim[@]}" openssl s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -WWW -naccept 3 >server.log 2>&1
  wait_for_line server.log '^ACCEPT .*:[0-9]+'
  port=$(sed -nE 's/^ACCEPT .*:([0-9]+).*/\1/p' server.log | head -n1)
  "${shim[@]}" openssl s_client -connect "127.0.0.1:$port" -brief -CAfile cert.pem </dev/null 2>&1 |
    grep -E '^(CONNECTION|Peer|Verification|DONE)'
  printf 'GET /page HTTP/1.0\r\n\r\n' |
    "${shim[@]}" openssl s_client -connect "127.0.0.1:$port" -quiet -verify_quiet -CAfile cert.pem 2>/dev/null | sha256sum
  "${shim[@]}" curl -sS --cacert cert.pem "https://127.0.0.1:$port/page" | sha256sum
  wait "${STARTED[@]}"
  printf 'server ended with %s\n' $?
  STARTED=()
}

# git_prepare: a repository `served`.
git_prepare() {
  requires git
  [[ -x $(git --exec-path)/git-daemon ]] || skip 'git daemon is not installed'
  export GIT_CONFIG_GLOBAL=/dev/null
  git init -q served
  git -C served -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m message
}

# git_served: start a git daemon (under the shim) for the repository `served`.
git_served() {
  port=$(free_port)
  start shim git daemon --listen=127.0.0.1 --port="$port" --base-path="$PWD" --export-all --verbose >log 2>&1
}
