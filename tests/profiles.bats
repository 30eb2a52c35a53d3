#!/usr/bin/env bats
# The programs of every day in the profiles of the released Jythons: they run as in
# 2.5, or differ and fail as the README says that they would on Jython.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of programs.bash

bats_require_minimum_version 1.5.0
load programs

setup() {
  programs_setup
}

teardown() {
  programs_teardown
}

# in_profile PROFILE: what follows runs in it, with a report of its own.
in_profile() {
  export JYTHONSOCK_PROFILE=$1
  : >"$REPORT"
  printf '== %s\n' "$JYTHONSOCK_PROFILE"
}

# changes PROFILE COMMAND [ARG...] <<EOF: it ends well in 2.5 and in PROFILE, and what
# it says changes by these lines of diff.
changes() {
  local profile=$1 before expected
  shift
  expected=$(cat)
  in_profile 2.5
  run -0 timeout 50 env LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$@"
  before=$output
  in_profile "$profile"
  run -0 timeout 50 env LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$@"
  assert_equal "$(diff <(printf '%s\n' "$before") <(printf '%s\n' "$output") | grep '^[<>]')" "$expected"
}

# fails_by RULES COMMAND [ARG...] <<EOF: in 2.5.3 it fails by these rules (with commas
# between), and by no others: where they only report, it changes as told.
fails_by() {
  local rules=$1 expected
  shift
  expected=$(cat)
  in_profile 2.5.3
  run timeout 20 env LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$@"
  ((status != 0 && status != 124))
  blamed "$rules"
  JYTHONSOCK_RULES=${rules//,/=report,}=report changes 2.5.3 "$@" <<<"$expected"
}

# blamed RULES: each of them was enforced.
blamed() {
  local rule
  for rule in ${1//,/ }; do
    reported "$rule" mode=enforce
  done
}

@test "Perl runs in 2.5.3 and 2.7 as in 2.5" {
  requires perl
  changes 2.5.3 perl "$PROGRAMS/sockets.pl" <<<''
  changes 2.7 perl "$PROGRAMS/sockets.pl" <<<''
}

@test "Node in 2.7 is not told that its port is taken; in 2.5.3 it misses SO_ERROR" {
  requires node
  changes 2.7 node "$PROGRAMS/sockets.js" <<'EOF'
< second server: EADDRINUSE listen
> second server: listens
EOF
  reported deferred-bind call=listen errno=EADDRINUSE
  fails_by introspection-option node "$PROGRAMS/sockets.js" <<<''
}

@test "Ruby in 2.7 is not told that its port is taken; in 2.5.3 it misses SO_ERROR" {
  requires ruby
  changes 2.7 ruby "$PROGRAMS/sockets.rb" <<'EOF'
< a second server: Errno::EADDRINUSE
> a second server: listens
< second connect: Errno::EINVAL
> second connect: Errno::EISCONN
EOF
  reported deferred-bind call=listen errno=EADDRINUSE
  fails_by introspection-option ruby "$PROGRAMS/sockets.rb" <<<''
}

@test "PHP runs in 2.7; in 2.5.3 it misses SO_ERROR and polls blocking sockets" {
  requires php
  changes 2.7 php "$PROGRAMS/sockets.php" <<<''
  fails_by introspection-option,select-blocking php "$PROGRAMS/sockets.php" <<<''
}

@test "redis-server and its clients say in 2.5.3 and 2.7 what they say on Linux" {
  requires redis-server redis-benchmark
  local profile
  redis_session >plain.out
  for profile in 2.5.3 2.7; do
    in_profile "$profile"
    redis_session shim >shim.out
    diff plain.out shim.out
    blamed unsupported-option
  done
}

@test "nginx serves and proxies in 2.7; in 2.5.3 it serves, and its proxy misses SO_ERROR" {
  requires nginx ab wrk curl
  local profile path port
  mkdir www
  seq 2000 >www/page
  for profile in 2.5.3 2.7; do
    in_profile "$profile"
    nginx_up shim ''
    for path in page proxy/page; do
      run -0 shim ab -q -n 500 -c 8 "http://127.0.0.1:$port/$path"
      assert_line --regexp '^Complete requests: +500$'
      assert_line --regexp '^Failed requests: +0$'
      [[ $profile$path == 2.5.3proxy/page ]] || refute_line --partial 'Non-2xx'
    done
    run -0 shim wrk -t1 -c8 -d1s "http://127.0.0.1:$port/page"
    refute_line --partial 'Socket errors'
    refute_line --partial 'Non-2xx'
    run -0 curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/proxy/page"
    stop_all
    if [[ $profile == 2.5.3 ]]; then
      assert_output 502
      grep -q 'connect() failed (92: Protocol not available) while connecting to upstream' log
      blamed introspection-option
    else
      assert_output 200
      # What else it says is of connections that the client had closed.
      run grep -v 'setsockopt(TCP_NODELAY) failed (9: Bad file descriptor) while keepalive' log
      assert_output ''
    fi
  done
}

@test "curl and wget fetch in 2.7; in 2.5.3 they miss SO_ERROR and select on blocking sockets" {
  requires curl wget
  local port
  page_server
  echo hello >page
  changes 2.7 curl -sS "http://127.0.0.1:$port/page" <<<''
  assert_output hello
  fails_by introspection-option curl -sS "http://127.0.0.1:$port/page" <<<''
  changes 2.7 wget -q -O - "http://127.0.0.1:$port/page" <<<''
  assert_output hello
  fails_by select-blocking wget -q --tries=1 -O - "http://127.0.0.1:$port/page" <<<''
}

@test "socat moves a file in 2.7, and answers from a bound socket; in 2.5.3 it selects on blocking sockets" {
  requires socat
  seq 300000 >file
  in_profile 2.7
  socat_moves shim TCP-LISTEN:%d,bind=127.0.0.1,reuseaddr TCP:127.0.0.1:%d file
  local -x patience=2 # the empty datagrams that are to be the end are never sent
  run socat_answers shim UDP-LISTEN:%d,bind=127.0.0.1 UDP:127.0.0.1:%d
  assert_output $'HELLO\nserver ended with 0'
  run socat_answers shim UDP-RECVFROM:%d,bind=127.0.0.1 UDP-SENDTO:127.0.0.1:%d,bind=127.0.0.1
  assert_output $'HELLO\nserver ended with 0'
  # One that is bound to nothing is never ready for its first datagram.
  run -124 shim timeout 1 socat -u OPEN:file UDP-SENDTO:127.0.0.1:9
  blamed select-unmade

  in_profile 2.5.3
  run -1 shim socat UDP-RECVFROM:0,bind=127.0.0.1 -
  assert_output --partial 'Unknown error 20000'
  blamed select-blocking
}

@test "openssl s_server serves s_client and curl in 2.7; in 2.5.3 they select on blocking sockets" {
  requires openssl curl
  tls_prepare
  in_profile 2.7
  tls_session >plain.out
  tls_session shim >shim.out
  diff plain.out shim.out
  grep -qx 'server ended with 0' shim.out

  start openssl s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -WWW >server.log 2>&1
  wait_for_line server.log '^ACCEPT .*:[0-9]+'
  in_profile 2.5.3
  run -1 shim openssl s_client -connect "127.0.0.1:$(sed -nE 's/^ACCEPT .*:([0-9]+).*/\1/p' server.log)" </dev/null
  assert_output --partial 'bad select 20000'
  blamed select-blocking
}

@test "every CPython wraps a socket in TLS in 2.5.3, too" {
  requires openssl
  local python
  openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2>/dev/null
  start openssl s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -www >server.log 2>&1
  wait_for_line server.log '^ACCEPT .*:[0-9]+'
  cat >get.py <<'END'
import socket, ssl, sys
context = ssl.create_default_context(cafile="cert.pem")
context.check_hostname = False
t = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
t.sendall(b"GET / HTTP/1.0\r\n\r\n")
print(t.recv(12).decode())
END
  export JYTHONSOCK_TRUSTSTORE=$PWD/cert.pem
  in_profile 2.5.3
  for python in "$PYTHON" "$HOME"/.pyenv/versions/*/bin/python; do
    "$python" -c pass 2>/dev/null || continue
    run -0 timeout 50 env LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$python" get.py "$(sed -nE 's/^ACCEPT .*:([0-9]+).*/\1/p' server.log)"
    assert_output 'HTTP/1.0 200'
  done
}

@test "git daemon serves clones in 2.7; in 2.5.3 it cannot listen, nor poll" {
  git_prepare
  local port status=0
  in_profile 2.7
  git_served
  wait_for_line log 'Ready to rumble'
  run -0 shim git clone -q "git://127.0.0.1:$port/served" cloned
  assert_output ''
  assert_equal "$(git -C cloned rev-parse HEAD)" "$(git -C served rev-parse HEAD)"
  stop_all

  in_profile 2.5.3
  git_served
  wait "${STARTED[@]}" || status=$?
  STARTED=()
  assert_equal "$status" 128
  blamed late-option-error
  export JYTHONSOCK_RULES=late-option-error=report
  git_served
  wait_for_line log 'Poll failed, resuming: Unknown error 20000'
  blamed select-blocking
}

@test "programs run under valgrind and gdb in 2.5.3 and 2.7" {
  requires valgrind gdb perl
  local profile
  for profile in 2.5.3 2.7; do
    in_profile "$profile"
    run -0 shim valgrind -q --leak-check=no --error-exitcode=9 perl "$PROGRAMS/sockets.pl"
    assert_line 'shutdown of UDP: done'
    refute_output --partial '=='
    run -0 env LD_PRELOAD="$JYTHONSOCK_LIBRARY" gdb -q -batch -nx -iex 'set debuginfod enabled off' -ex run \
      --args "$PYTHON" "$SCRIPTS/accept_after_shutdown.py"
    assert_output --partial 'accept: 6'
    assert_line --partial 'exited normally'
  done
}

@test "http.server and socketserver serve in 2.7; in 2.5.3 their select meets a blocking socket, and they end" {
  local server
  for server in http socketserver; do
    changes 2.7 "$PYTHON" "$SCRIPTS/port_zero.py" "$server" <<<''
    JYTHONSOCK_RULES=select-blocking=report changes 2.5.3 "$PYTHON" "$SCRIPTS/port_zero.py" "$server" <<<''
  done
  in_profile 2.5.3
  run -1 shim timeout 20 "$PYTHON" -m http.server --bind 127.0.0.1 0
  assert_output --partial '[Errno 20000]'
  blamed select-blocking
}

@test "http.client, urllib, xmlrpc and selectors work in 2.7, and in 2.5.3 where their servers may select" {
  changes 2.7 "$PYTHON" "$SCRIPTS/clients.py" <<<''
  JYTHONSOCK_RULES=select-blocking=report changes 2.5.3 "$PYTHON" "$SCRIPTS/clients.py" <<<''
}

@test "asyncio works but for half-closed streams in 2.7, and hears late or never of what failed" {
  changes 2.5.3 "$PYTHON" "$SCRIPTS/asyncio_echo.py" <<'EOF'
> nobody listens: connected
EOF
  blamed connect-result
  changes 2.7 "$PYTHON" "$SCRIPTS/asyncio_echo.py" <<'EOF'
< half closed: b'hello'
> half closed: timeout
< a second server: 98
< nobody listens: 111
> nobody listens: 9
EOF
  blamed connect-result,shutdown-local,deferred-bind
}

@test "Twisted works in 2.5.3 and 2.7, where a refused connect is ENOTCONN" {
  "$PYTHON" -c 'import twisted' 2>/dev/null || skip 'Twisted is not installed'
  changes 2.5.3 "$PYTHON" "$SCRIPTS/twisted_echo.py" <<<''
  changes 2.7 "$PYTHON" "$SCRIPTS/twisted_echo.py" <<'EOF'
< closed port: ConnectionRefusedError
> closed port: ConnectError
EOF
  blamed connect-result
}

@test "ssl works in 2.5.3 and 2.7, whose zero timeout is non-blocking mode" {
  local profile
  requires openssl
  tls_prepare
  for profile in 2.5.3 2.7; do
    changes "$profile" "$PYTHON" "$SCRIPTS/tls_flows.py" cert.pem key.pem <<'EOF'
< settimeout(0) gettimeout 0.0 handshake True
> settimeout(0) gettimeout 0.0 handshake False
EOF
  done
  # What ssl.py asks of its own accord is answered; the program is not.
  in_profile 2.5.3
  run shim "$PYTHON" -c 'import socket; socket.create_server(("127.0.0.1", 0)).getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)'
  assert_output --partial '[Errno 92]'
  run -0 shim "$PYTHON" -c 'import socket
server = socket.create_server(("127.0.0.1", 0))
print(socket.socket(fileno=server.detach()).type)'
}

@test "multiprocessing and subprocess work in 2.7; in 2.5.3 CPython has no AF_UNIX" {
  changes 2.7 "$PYTHON" "$SCRIPTS/processes.py" <<<''
  fails_by socket-family "$PYTHON" "$SCRIPTS/processes.py" <<<''
}

@test "binds, names, refused connects and shutdowns of Python differ from 2.5 by the rules of 2.5.3 and 2.7" {
  local none='OSError 92 Protocol not available' script
  for script in reserve two_binds accept_after_shutdown; do
    changes 2.5.3 "$PYTHON" "$SCRIPTS/$script.py" <<<''
    changes 2.7 "$PYTHON" "$SCRIPTS/$script.py" <<<''
  done
  changes 2.5.3 "$PYTHON" "$SCRIPTS/refused.py" <<<''
  changes 2.7 "$PYTHON" "$SCRIPTS/refused.py" <<'EOF'
< again, open port: OSError 22 Invalid argument
< send: BrokenPipeError 32 Broken pipe
< bind: OSError 22 Invalid argument
> again, open port: None
> send: 1
> bind: None
EOF
  changes 2.5.3 "$PYTHON" "$SCRIPTS/udp_shutdown.py" <<<''
  changes 2.7 "$PYTHON" "$SCRIPTS/udp_shutdown.py" <<'EOF'
< bad how: OSError 22 Invalid argument
< received: b'datagram'
> bad how: None
> received: TimeoutError None timed out
EOF
  changes 2.5.3 "$PYTHON" "$SCRIPTS/options.py" <<EOF
< tcp SO_REUSEPORT: $none
> tcp SO_REUSEPORT: None
< udp SO_REUSEPORT: $none
> udp SO_REUSEPORT: None
< udp SO_KEEPALIVE: $none
> udp SO_KEEPALIVE: None
< tcp SO_BROADCAST: $none
> tcp SO_BROADCAST: None
EOF
  changes 2.7 "$PYTHON" "$SCRIPTS/options.py" <<EOF
< listen: $none
> listen: None
< TCP_NODELAY after listen: $none
> TCP_NODELAY after listen: None
EOF
}
