#!/usr/bin/env bats
# Programs in Python, on Debian's python3: what Jython does differently, and that
# all the rest works. Each runs plain and under the shim.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of programs.bash

load programs

setup() {
  programs_setup
}

teardown() {
  programs_teardown
}

@test "socketserver on port 0 reports port 0, then serves on the real port" {
  differ port_zero.py socketserver <<'EOF'
server_address names port zero: False | server_address names port zero: True
listening on a real port: True
answered: hello
EOF
  reported deferred-bind call=getsockname mode=enforce state=unmade
}

@test "http.server on port 0 reports port 0, then serves on the real port" {
  differ port_zero.py http <<'EOF'
server_port is zero: False | server_port is zero: True
server_address names port zero: False | server_address names port zero: True
listening on a real port: True
answered: hello
EOF
}

@test "a port handed out between bind and listen is no port" {
  differ reserve.py <<'EOF'
promised port is zero: False | promised port is zero: True
client of the promised port: True | client of the promised port: ConnectionRefusedError 111 Connection refused
client of the actual port: True
EOF
}

@test "of two servers bound to one port, the second fails in listen" {
  differ two_binds.py <<'EOF'
first bind: None
first listen: None
second bind: OSError 98 Address already in use | second bind: None
second has the name: False | second has the name: True
second listen: None | second listen: OSError 98 Address already in use
first serves: True
EOF
  reported deferred-bind call=listen errno=EADDRINUSE
}

@test "http.server on a fixed port serves curl as ever" {
  requires curl
  local port served
  printf 'hello\n' >page
  serve() { # [shim] PYTHON: what curl gets from it
    port=$(free_port)
    start "$@" -m http.server --bind 127.0.0.1 "$port" >log 2>&1
    wait_for_port "$port"
    curl -fsS -o served "http://127.0.0.1:$port/page"
    stop_all
  }
  serve "$PYTHON"
  served=$(<served)
  assert_equal "$served" hello
  [[ ! -s $REPORT ]]
  serve shim "$PYTHON"
  assert_equal "$(<served)" "$served"
  assert_equal "$(grep -c '"GET /page HTTP/1.1" 200' log)" 1
  findings "$REPORT" | grep -q .
}

@test "a thread blocked in accept outlives shutdown of the listener and serves the next client" {
  differ accept_after_shutdown.py <<'EOF'
shutdown: None
client: ConnectionRefusedError 111 Connection refused | client: b'served'
accept: errno 22 | accept: 6
EOF
  reported shutdown-noop state=listener
}

@test "shutdown of a UDP socket returns and does nothing" {
  differ udp_shutdown.py <<'EOF'
SHUT_RD: OSError 107 Transport endpoint is not connected | SHUT_RD: None
SHUT_WR: OSError 107 Transport endpoint is not connected | SHUT_WR: None
SHUT_RDWR: OSError 107 Transport endpoint is not connected | SHUT_RDWR: None
bad how: OSError 22 Invalid argument
received: b'datagram'
connected: None
sent: BrokenPipeError 32 Broken pipe | sent: 8
EOF
  reported shutdown-noop kind=udp mode=enforce
}

@test "options that Java lacks raise error 92, buffer sizes read back as asked" {
  local none='OSError 92 Protocol not available'
  differ options.py <<EOF
tcp SO_REUSEPORT: None | tcp SO_REUSEPORT: $none
tcp IP_TOS: None | tcp IP_TOS: $none
tcp SO_REUSEADDR: None
udp SO_REUSEPORT: None | udp SO_REUSEPORT: $none
udp IP_TOS: None | udp IP_TOS: $none
udp SO_REUSEADDR: None
TCP_KEEPIDLE: None | TCP_KEEPIDLE: $none
get TCP_KEEPIDLE: True | get TCP_KEEPIDLE: $none
IPV6_V6ONLY: None | IPV6_V6ONLY: $none
SO_KEEPALIVE: None
udp SO_KEEPALIVE: None | udp SO_KEEPALIVE: $none
udp SO_BROADCAST: None
tcp SO_BROADCAST: None | tcp SO_BROADCAST: $none
asked for 20000: 40000 | asked for 20000: 20000
asked for 20000: 40000 | asked for 20000: 20000
asked for 20000: 40000 | asked for 20000: 20000
asked for 20000: 40000 | asked for 20000: 20000
TCP_NODELAY before listen: None
listen: None | listen: $none
listens all the same: True
listen: None
TCP_NODELAY after listen: None | TCP_NODELAY after listen: $none
client TCP_NODELAY: None
client has it: True
accepted TCP_NODELAY: None
accepted has it: True
EOF
  reported unsupported-option 'arguments=SOL_SOCKET, SO_REUSEPORT' errno=ENOPROTOOPT
  reported late-option-error call=listen mode=enforce
  reported option-readback call=getsockopt
}

@test "connect after a refused connect fails, a new socket connects" {
  differ refused.py <<'EOF'
closed port: ConnectionRefusedError 111 Connection refused
again, open port: None | again, open port: OSError 22 Invalid argument
send: 1 | send: BrokenPipeError 32 Broken pipe
bind: OSError 22 Invalid argument
new socket: 1
EOF
  reported one-life call=connect state=dead
}

@test "asyncio streams, datagrams, sock_ calls and subprocesses work" {
  same "$PYTHON" "$SCRIPTS/asyncio_echo.py"
  assert_equal "$(grep -c True <<<"$shim_output")" 2
  assert_equal "$(tail -n1 <<<"$shim_output")" "subprocess: b'HELLO\\n'"
  # What asyncio's own machinery needs and Jython lacks.
  reported socket-family call=socketpair mode=report
  reported select-non-socket call=epoll_ctl mode=report
  reported introspection-option call=getsockopt mode=report 'arguments=SOL_SOCKET, SO_ERROR'
  reported deferred-bind call=listen errno=EADDRINUSE
}

@test "Twisted's echo server, clients and datagrams work" {
  "$PYTHON" -c 'import twisted' 2>/dev/null || skip 'Twisted is not installed'
  same "$PYTHON" "$SCRIPTS/twisted_echo.py"
  assert_equal "$(tail -n1 <<<"$shim_output")" "datagrams: b'ping' b'pong'"
  reported connect-result call=connect errno=EISCONN
  reported introspection-option call=getsockopt mode=report 'arguments=SOL_SOCKET, SO_ERROR'
  reported select-non-socket call=epoll_ctl mode=report
}

@test "http.client, urllib, xmlrpc and selectors work" {
  same "$PYTHON" "$SCRIPTS/clients.py"
  assert_equal "$(tail -n1 <<<"$shim_output")" "selectors: b'hello'"
  reported select-blocking call=poll mode=report
  reported deferred-bind call=getsockname mode=enforce
}

@test "multiprocessing and subprocess work, with sockets that change hands" {
  same "$PYTHON" "$SCRIPTS/processes.py"
  assert_equal "$(grep -c hello <<<"${shim_output,,}")" 4
  reported fd-passing call=sendmsg mode=report
  reported fd-passing call=start mode=report
  reported socket-family call=socket errno=EAFNOSUPPORT
}

@test "a socket that a fork child uses is reported as shared, at the line that uses it" {
  cat >forked.py <<'EOF'
import os, socket
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
if os.fork() == 0:
    name = server.getsockname()
    os._exit(0)
os.wait()
own = server.getsockname()
EOF
  same "$PYTHON" forked.py
  reported fd-passing call=getsockname mode=report line=6
  run jq -s 'map(select(.rule == "fd-passing")) | length' "$REPORT"
  assert_output 1
}
