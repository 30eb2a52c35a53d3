#!/usr/bin/env bats
# Real servers and clients, each to its end, plain and under the shim: the same
# results but for the documented differences, which are asserted.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of programs.bash

load programs

bats_require_minimum_version 1.5.0

setup() {
  programs_setup
}

teardown() {
  programs_teardown
}

@test "Perl's IO::Socket works, shutdown of UDP and SO_REUSEPORT as documented" {
  requires perl
  differs perl "$PROGRAMS/sockets.pl" <<'EOF'
port real
answer HELLO
peer 127.0.0.1
answer HELLO
peer 127.0.0.1
child 0
datagram from the sender
refused: Connection refused
shutdown of UDP: Transport endpoint is not connected | shutdown of UDP: done
SO_REUSEPORT: set | SO_REUSEPORT: Protocol not available
EOF
  reported connect-result call=connect errno=EISCONN
}

@test "Node's HTTP server and client work, the default server is IPv4" {
  requires node
  local all family=IPv4
  [[ -z $(cat /proc/net/if_inet6) ]] || family=IPv6
  printf -v all 'GET /%d 0, ' {0..49}
  differs node "$PROGRAMS/sockets.js" <<EOF
real port: true
${all%, }
POST /post 300000
second server: EADDRINUSE listen
closed server: ECONNREFUSED
default family: $family GET / 0 | default family: IPv4 GET / 0
datagram: ping true
EOF
  reported introspection-option 'arguments=SOL_SOCKET, SO_ERROR' mode=report
  [[ $family == IPv4 ]] || reported unsupported-option 'arguments=IPPROTO_IPV6, IPV6_V6ONLY'
}

@test "Ruby's sockets work, a second UDP connect and SO_REUSEPORT as documented" {
  requires ruby
  differs ruby "$PROGRAMS/sockets.rb" <<EOF
real port: true
got hello
got hello
got GET /page HTTP/1.1$(printf '\r')
a second server: Errno::EADDRINUSE
SO_REUSEPORT: 0 | SO_REUSEPORT: Errno::ENOPROTOOPT
closed port: Errno::ECONNREFUSED
datagram true
second connect: 0 | second connect: Errno::EINVAL
EOF
  reported udp-connect call=connect errno=EINVAL
  reported deferred-bind call=listen errno=EADDRINUSE
}

@test "PHP's stream sockets work, shutdown of UDP as documented" {
  requires php
  differs php "$PROGRAMS/sockets.php" <<'EOF'
port real
server got hello
client got back
timed out true
port in use false
refused false 111 Connection refused
datagram from the sender
shutdown of UDP false | shutdown of UDP true
EOF
  reported shutdown-noop call=shutdown kind=udp
}

@test "nginx serves 1,000 requests and more, and proxies, without an error" {
  requires nginx ab wrk curl
  local port path ending
  mkdir www
  seq 20000 >www/page

  nginx_up ''
  ending=$(curl -fsS "http://127.0.0.1:$port/page" | sha256sum)
  stop_all
  run cat log
  assert_output ''

  nginx_up shim ''
  for path in page proxy/page; do
    assert_equal "$(shim curl -fsS "http://127.0.0.1:$port/$path" | sha256sum)" "$ending"
    for kept in '' -k; do
      # shellcheck disable=SC2086 # no word where it is empty
      run shim ab $kept -q -n 1000 -c 8 "http://127.0.0.1:$port/$path"
      assert_success
      assert_line --regexp '^Complete requests: +1000$'
      assert_line --regexp '^Failed requests: +0$'
      refute_line --partial 'Non-2xx'
    done
  done
  run shim wrk -t1 -c8 -d1s "http://127.0.0.1:$port/page"
  assert_success
  refute_line --partial 'Socket errors'
  refute_line --partial 'Non-2xx'
  [[ $output =~ ([0-9]+)\ requests\ in && ${BASH_REMATCH[1]} -gt 1000 ]]
  stop_all
  # nginx listens twice on each socket, and goes on when the second fails.
  run grep -vc 'listen() to 127.0.0.1:[0-9]*, backlog 511 failed, ignored (22: Invalid argument)' log
  assert_output 0
  reported one-life call=listen errno=EINVAL state=listener
  reported introspection-option call=getsockopt 'arguments=SOL_SOCKET, SO_ERROR' mode=report
}

@test "nginx with tcp_nopush needs TCP_CORK, which Java lacks" {
  requires nginx curl
  local port
  mkdir www
  seq 20000 >www/page
  nginx_up 'tcp_nopush on;'
  run -0 curl -sS -o page "http://127.0.0.1:$port/page"
  cmp page www/page
  stop_all
  nginx_up shim 'tcp_nopush on;'
  run ! curl -sS -o page "http://127.0.0.1:$port/page"
  stop_all
  grep -q 'setsockopt(TCP_CORK) failed (92: Protocol not available)' log
  export JYTHONSOCK_RULES=unsupported-option=report
  nginx_up shim 'tcp_nopush on;'
  run -0 curl -sS -o page "http://127.0.0.1:$port/page"
  cmp page www/page
}

@test "redis-server serves redis-cli and redis-benchmark" {
  requires redis-server redis-benchmark
  redis_session >plain.out
  redis_session shim >shim.out
  diff plain.out shim.out
  assert_equal "$(grep -c . plain.out)" 15
  grep -qx 500500 shim.out
  grep -qx 'server ended with 0' shim.out
  reported unsupported-option 'arguments=IPPROTO_TCP, TCP_KEEPIDLE' mode=enforce
  reported connect-result call=connect errno=EISCONN
}

@test "curl downloads, uploads, resumes, keeps alive, and fails as before" {
  requires curl nginx
  local port closed
  mkdir www
  seq 100000 >www/page
  closed=$(free_port)
  nginx_up ''
  # shellcheck disable=SC2016 # expanded by the inner shell
  same bash -c '
    curl -fsS "http://localhost:$1/page" "http://127.0.0.1:$1/page" | sha256sum
    curl --no-progress-meter -Z "http://127.0.0.1:$1/page?[1-20]" | sha256sum
    curl -sS -r 100-200 "http://127.0.0.1:$1/page"
    curl -sS -o /dev/null -w "%{http_code} %{num_connects} %{size_download}\n" -T www/page "http://127.0.0.1:$1/page"
    curl -sS -o /dev/null -w "%{num_connects}\n" --keepalive-time 5 --tcp-nodelay "http://127.0.0.1:$1/page"
    curl -sS --connect-timeout 5 "http://127.0.0.1:$2/"; echo $?
    curl -sS --max-time 0.05 telnet://127.0.0.1:$1 </dev/null 2>/dev/null; echo $?
    ' _ "$port" "$closed"
  assert_line 7
  assert_line '405 1 157'
  reported introspection-option call=getsockopt mode=report
  reported unsupported-option call=setsockopt 'arguments=IPPROTO_TCP, TCP_KEEPIDLE' mode=enforce
}

@test "curl looks for a free local port in bind, which no longer says that one is taken" {
  requires curl nginx
  local port
  mkdir www
  seq 10 >www/page
  nginx_up ''
  run -0 curl -sS -o /dev/null --local-port "$port-$((port + 20))" "http://127.0.0.1:$port/page"
  run -7 shim curl -sS -o /dev/null --local-port "$port-$((port + 20))" "http://127.0.0.1:$port/page"
  reported deferred-bind call=connect errno=EADDRINUSE
}

@test "socat moves a file over TCP" {
  requires socat
  seq 300000 >file
  socat_moves TCP-LISTEN:%d,bind=127.0.0.1,reuseaddr TCP:127.0.0.1:%d file
  socat_moves shim TCP-LISTEN:%d,bind=127.0.0.1,reuseaddr TCP:127.0.0.1:%d file
  reported select-blocking call=select mode=report
}

@test "socat answers over UDP, connected and not" {
  requires socat
  local shim
  for shim in '' shim; do
    run socat_answers ${shim:+"$shim"} UDP-RECVFROM:%d,bind=127.0.0.1 UDP-SENDTO:127.0.0.1:%d
    assert_output $'HELLO\nserver ended with 0'
    run socat_answers ${shim:+"$shim"} UDP-LISTEN:%d,bind=127.0.0.1 UDP:127.0.0.1:%d
    assert_output $'HELLO\nserver ended with 0'
  done
  reported recv-flags mode=report
  reported select-blocking call=select mode=report
  reported shutdown-noop kind=udp mode=enforce
}

@test "openssl s_server serves s_client and curl" {
  requires openssl curl
  tls_prepare
  tls_session >plain.out
  tls_session shim >shim.out
  diff plain.out shim.out
  grep -qx 'Verification: OK' shim.out
  grep -qx 'server ended with 0' shim.out
  assert_equal "$(tail -n2 shim.out | head -n1)" "$(sha256sum <page)"
  reported introspection-option call=getsockopt mode=report 'arguments=SOL_SOCKET, SO_TYPE'
}

@test "a program under valgrind: no error, no leak, no descriptor left, the same output" {
  requires valgrind curl
  local port report
  page_server
  seq 1000 >page
  for report in "$PWD/report" ''; do
    JYTHONSOCK_REPORT=$report run -0 --separate-stderr shim valgrind --leak-check=full --error-exitcode=9 \
      --track-fds=yes --log-file=log curl -sS "http://127.0.0.1:$port/page"
    assert_output "$(<page)"
    grep -q 'ERROR SUMMARY: 0 errors' log
    grep -q 'All heap blocks were freed' log
  done
  # What is open at the end, it had from us.
  run bash -c 'grep -A1 "Open .* descriptor\|Open .* socket" log | grep -v "Open \|inherited from parent\|^--"'
  assert_output ''
  # It was ours that ran there: the rule is kept under valgrind too.
  run shim valgrind -q "$PYTHON" "$SCRIPTS/port_zero.py" socketserver
  assert_line 'server_address names port zero: True'
  assert_line 'answered: hello'
}

@test "a program under gdb, with the shim in both: breakpoints, backtraces, the end" {
  requires gdb
  debug() { # [VARIABLE=VALUE]
    env "$@" gdb -q -batch -nx -iex 'set debuginfod enabled off' -ex 'set breakpoint pending on' -ex 'break shutdown' \
      -ex run -ex 'bt 1' -ex 'info threads' -ex delete -ex continue \
      --args "$PYTHON" "$SCRIPTS/accept_after_shutdown.py" 2>&1
  }
  run -0 debug
  assert_line --regexp '^#0 .*shutdown'
  assert_output --partial 'accept: errno 22'
  run -0 debug LD_PRELOAD="$JYTHONSOCK_LIBRARY"
  assert_line --regexp '^#0 .*shutdown'
  assert_output --partial 'accept: 6'
  assert_line --partial 'exited normally'
}

@test "git daemon sets SO_KEEPALIVE before listen, which fails for it; without that rule it serves clones" {
  local port status=0
  git_prepare
  git_served
  wait "${STARTED[@]}" || status=$?
  STARTED=()
  assert_equal "$status" 128
  grep -q 'Could not listen to 127.0.0.1: Protocol not available' log
  reported late-option-error call=listen errno=ENOPROTOOPT

  export JYTHONSOCK_RULES=late-option-error=report
  git_served
  wait_for_line log 'Ready to rumble'
  run -0 shim git clone -q "git://127.0.0.1:$port/served" cloned
  assert_output ''
  assert_equal "$(git -C cloned rev-parse HEAD)" "$(git -C served rev-parse HEAD)"
  reported late-option-error call=listen mode=report
}
