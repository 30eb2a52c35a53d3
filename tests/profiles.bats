#!/usr/bin/env bats
# The programs of every day in the profiles of the released Jythons: they run, or
# fail as the README says that they would on Jython.

# shellcheck disable=SC2030,SC2031  # each test has its own port
bats_require_minimum_version 1.5.0
load helper

setup() {
  cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
  stop_all
}

requires() {
  command -v "$1" >/dev/null || skip "$1 is not installed"
}

# page_server: a directory with one page, served without the library.
page_server() {
  port=$(free_port)
  echo hello >page
  start "$PYTHON" -m http.server --bind 127.0.0.1 "$port" >/dev/null 2>&1
  wait_for_port "$port"
}

@test "redis-server serves a benchmark in 2.5.3 and 2.7" {
  requires redis-server
  local profile port
  for profile in 2.5.3 2.7; do
    port=$(free_port)
    start env JYTHONSOCK_PROFILE=$profile LD_PRELOAD="$JYTHONSOCK_LIBRARY" \
      redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no >"redis.$profile" 2>&1
    wait_for_port "$port"
    run -0 redis-benchmark -h 127.0.0.1 -p "$port" -n 2000 -c 10 -q -t set,get
    [[ $output == *'GET: '*'requests per second'* ]]
    stop_all
  done
}

@test "http.server serves curl in 2.7; in 2.5.3 its select meets a blocking socket, and it ends" {
  requires curl
  echo hello >page
  port=$(free_port)
  start env JYTHONSOCK_PROFILE=2.7 LD_PRELOAD="$JYTHONSOCK_LIBRARY" \
    "$PYTHON" -m http.server --bind 127.0.0.1 "$port" >server.2.7 2>&1
  wait_for_port "$port"
  run -0 curl -sS "http://127.0.0.1:$port/page"
  [[ $output == hello ]]
  JYTHONSOCK_PROFILE=2.5.3 run -1 shim timeout 20 "$PYTHON" -m http.server --bind 127.0.0.1 0
  [[ $output == *'[Errno 20000]'* ]]
}

@test "curl fetches in 2.7; in 2.5.3 SO_ERROR is refused after its connect, and it fails" {
  requires curl
  local port
  page_server
  JYTHONSOCK_PROFILE=2.7 run -0 shim curl -sS "http://127.0.0.1:$port/page"
  [[ $output == hello ]]
  JYTHONSOCK_PROFILE=2.5.3 JYTHONSOCK_REPORT=$PWD/report run shim curl -sS "http://127.0.0.1:$port/page"
  [[ $status -eq 7 ]]
  [[ $(findings report introspection-option | jq -r .errno | head -n 1) == ENOPROTOOPT ]]
  # That rule, and no other.
  JYTHONSOCK_PROFILE=2.5.3 JYTHONSOCK_RULES=introspection-option=off run -0 shim curl -sS "http://127.0.0.1:$port/page"
  [[ $output == hello ]]
}

@test "nginx serves a thousand requests in 2.5.3 and 2.7" {
  requires nginx
  requires ab
  local profile port
  echo hello >page
  for profile in 2.5.3 2.7; do
    port=$(free_port)
    cat >nginx.conf <<CONF
daemon off; master_process off; pid nginx.pid; error_log error.$profile;
events { }
http { access_log off; server { listen 127.0.0.1:$port; location / { root $PWD; } } }
CONF
    chmod 755 . && chmod 644 page
    start env JYTHONSOCK_PROFILE=$profile LD_PRELOAD="$JYTHONSOCK_LIBRARY" nginx -p "$PWD" -c "$PWD/nginx.conf" -e error.start
    wait_for_port "$port"
    run -0 ab -q -n 1000 -c 10 "http://127.0.0.1:$port/page"
    grep -Eq 'Failed requests: +0' <<<"$output"
    ! grep -q 'Non-2xx' <<<"$output"
    stop_all
  done
}
