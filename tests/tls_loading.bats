#!/usr/bin/env bats
# However OpenSSL came into the process, and whatever the process does with it.

# shellcheck disable=SC2030,SC2031  # each test has its own environment
bats_require_minimum_version 1.5.0
load tls/farm

setup_file() {
  local cc=${CC:-gcc}
  farm_up
  "$cc" -O1 -g -DLIBRARY -fPIC -shared -o "$FARM/libclient.so" "$TLS/client.c" -lssl -lcrypto
  "$cc" -O1 -g -o "$FARM/loader" "$TLS/loader.c"
  "$cc" -O1 -g -pthread -o "$FARM/sessions" "$TLS/sessions.c" -lssl -lcrypto
  row_of_two >"$FARM/two"
}

teardown_file() {
  farm_down
}

setup() {
  tls_setup
}

teardown() {
  stop_all
}

row_of_two() {
  row valid
  row self-signed
}

notes() {
  jq -r --arg subject "$1" 'select(.note == $subject) | .text' "$JYTHONSOCK_REPORT"
}

for_loader() {
  diff <(verdicts <<<"$1") - <<<$'valid ok\nself-signed fail'
}

@test "a libssl opened with RTLD_LOCAL, RTLD_GLOBAL or RTLD_DEEPBIND is reached" {
  local flags
  for flags in local global deepbind; do
    run -0 shim "$FARM/loader" "$flags" "$FARM/libclient.so" <"$FARM/two"
    for_loader "$output"
    WAY=anonymous-write run -0 shim "$FARM/loader" "$flags" "$FARM/libclient.so" <<<"$(row anonymous)"
    assert_output --partial 'anonymous fail: SSL_get_error 1, certificate verify failed'
  done
  WAY=anonymous-write run -0 "$FARM/loader" local "$FARM/libclient.so" <<<"$(row anonymous)"
  assert_output --partial 'anonymous ok'
  run -0 "$FARM/loader" local "$FARM/libclient.so" <"$FARM/two"
  run -1 for_loader "$output"
}

@test "a library loaded with dlmopen is out of reach, and the report says so" {
  run -0 shim "$FARM/loader" namespace "$FARM/libclient.so" <"$FARM/two"
  assert_equal "$(verdicts <<<"$output")" $'valid ok\nself-signed ok'
  assert_equal "$(notes out-of-reach)" 'a library was loaded with dlmopen: what it does with sockets and TLS is not seen'
}

# copied NAME: a libssl, a libcrypto and a client of their own, in ./NAME.
copied() {
  local name=$1 copy
  mkdir "$name"
  for copy in ssl crypto; do
    cp -L "$(ldd "$FARM/libclient.so" | awk -v name="lib$copy.so" 'index($1, name) == 1 { print $3 }')" "$name/lib$copy-$name.so"
  done
  cp "$FARM/libclient.so" "$name"
  patchelf --set-soname "libcrypto-$name.so" "$name/libcrypto-$name.so"
  patchelf --replace-needed libcrypto.so.3 "libcrypto-$name.so" "$name/libssl-$name.so"
  patchelf --set-soname "libssl-$name.so" "$name/libssl-$name.so"
  patchelf --set-rpath "$PWD/$name" "$name/libssl-$name.so"
  patchelf --replace-needed libcrypto.so.3 "libcrypto-$name.so" "$name/libclient.so"
  patchelf --replace-needed libssl.so.3 "libssl-$name.so" "$name/libclient.so"
  patchelf --set-rpath "$PWD/$name" "$name/libclient.so"
}

@test "two libssl and two libcrypto in one process take turns, each with its own store" {
  command -v patchelf >/dev/null || skip 'patchelf is not installed'
  copied second
  run -0 shim "$FARM/loader" local "$FARM/libclient.so" "$PWD/second/libclient.so" <"$FARM/two"
  assert_equal "$(verdicts <<<"$output")" $'valid ok\nvalid ok\nself-signed fail\nself-signed fail'
  WAY=anonymous-write run -0 shim "$FARM/loader" local "$FARM/libclient.so" "$PWD/second/libclient.so" <<<"$(row anonymous)"
  assert_equal "$(verdicts <<<"$output")" $'anonymous fail\nanonymous fail'
  : >"$JYTHONSOCK_REPORT"
  trusting missing
  run -0 shim "$FARM/loader" local "$FARM/libclient.so" "$PWD/second/libclient.so" <"$FARM/two"
  assert_equal "$(verdicts <<<"$output")" $'valid fail\nvalid fail\nself-signed fail\nself-signed fail'
  assert_equal "$(notes truststore | wc -l)" 2
}

# symbolic FILE: have the loader take it for one that was linked with -Bsymbolic.
symbolic() {
  "$PYTHON" - "$1" <<'PROGRAM'
import struct, sys
DT_FLAGS, DF_SYMBOLIC, SHT_DYNAMIC = 30, 2, 6
with open(sys.argv[1], "r+b") as file:
    data = file.read()
    sections, = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    headers = [struct.unpack_from("<IIQQQQ", data, sections + i * size) for i in range(count)]
    at, length = next(header[4:] for header in headers if header[1] == SHT_DYNAMIC)
    for entry in range(at, at + length, 16):
        tag, value = struct.unpack_from("<QQ", data, entry)
        if tag == DT_FLAGS:
            file.seek(entry)
            file.write(struct.pack("<QQ", tag, value | DF_SYMBOLIC))
            break
    else:
        sys.exit("no DT_FLAGS")
PROGRAM
}

@test "a libssl that is linked with -Bsymbolic, and so never calls itself through us, is checked all the same" {
  command -v patchelf >/dev/null || skip 'patchelf is not installed'
  local way
  copied symbolic
  symbolic symbolic/libssl-symbolic.so
  symbolic symbolic/libcrypto-symbolic.so
  for way in connect do-handshake write read bio memory; do
    WAY=$way run -0 shim "$FARM/loader" local "$PWD/symbolic/libclient.so" <"$FARM/two"
    for_loader "$output" || { printf 'way: %s\n' "$way"; return 1; }
  done
  for way in anonymous anonymous-write anonymous-bio; do
    WAY=$way run -0 "$FARM/loader" local "$PWD/symbolic/libclient.so" <<<"$(row anonymous)"
    assert_output --partial 'anonymous ok'
    WAY=$way run -0 shim "$FARM/loader" local "$PWD/symbolic/libclient.so" <<<"$(row anonymous)"
    assert_output --partial 'anonymous fail: SSL_get_error 1, certificate verify failed'
  done
}

@test "clients that are loaded where another one was before keep to their own libssl" {
  command -v patchelf >/dev/null || skip 'patchelf is not installed'
  copied a
  copied b
  WAY=accept-chain run -0 shim "$FARM/loader" reload "$PWD/a/libclient.so" "$PWD/b/libclient.so" <"$FARM/two"
  assert_equal "$(verdicts <<<"$output" | uniq -c | xargs)" '2 valid ok 2 self-signed fail'
  assert_equal "$(notes tls | grep -o 'libssl-..so are checked' | xargs)" 'libssl-a.so are checked libssl-b.so are checked'
}

@test "dlopen looks where the caller's RUNPATH says" {
  mkdir plug
  "${CC:-gcc}" -shared -fPIC -DWHICH='"the right one"' -o plug/libwhich.so "$TLS/plugin.c"
  "${CC:-gcc}" -o runpath "$TLS/runpath.c" -Wl,--enable-new-dtags,-rpath,"$PWD/plug"
  run -0 shim ./runpath libwhich.so
  assert_output 'the right one'
}

@test "programs without OpenSSL get none, and no descriptor or file more" {
  run -0 shim cat /proc/self/maps
  refute_output --regexp 'ssl|crypto|gnutls'
}

@test "a handshake without any certificate is refused" {
  row anonymous | "$FARM/client" anonymous | grep '^anonymous ok'
  run -0 shim "$FARM/client" anonymous <<<"$(row anonymous)"
  assert_output 'anonymous fail: SSL_get_error 1, certificate verify failed, verify result 1, errno 0'
  run -0 shim "$PYTHON" - "$(port_of anonymous)" <<'PROGRAM'
import socket, ssl, sys
context = ssl._create_unverified_context()
context.set_ciphers("aNULL:@SECLEVEL=0")
context.maximum_version = ssl.TLSVersion.TLSv1_2
try:
    context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
except ssl.SSLError as error:
    print(type(error).__name__, error.reason)
PROGRAM
  assert_output 'SSLCertVerificationError CERTIFICATE_VERIFY_FAILED'
}

@test "TLS 1.0 and 1.1 are refused as in Java, however low the program sets its level" {
  { row tls10; row tls11; } >old.rows
  "$FARM/client" old <old.rows | verdicts | grep -c ok | grep -x 2
  shim "$FARM/client" old <old.rows | verdicts | grep -c fail | grep -x 2
}

@test "DTLS is checked like TLS" {
  local port name
  for name in valid self-signed; do
    port=$(free_port)
    dtls_server "$port" "$name"
    printf 'hello\n' | timeout 20 env LD_PRELOAD="$JYTHONSOCK_LIBRARY" openssl s_client -dtls -connect "127.0.0.1:$port" >"$name.out" 2>&1 || :
    stop_all
  done
  grep -Fx 'Verification: OK' valid.out
  grep -q 'certificate verify failed' self-signed.out
}

@test "a session resumed in its own process stays resumed; one from outside becomes a full handshake" {
  local port
  resumes
  port=$(port_of valid)
  "$FARM/sessions" "$port" save valid.session
  run -0 "$FARM/sessions" "$port" load valid.session
  assert_output 'reused 1'
  run -0 shim "$FARM/sessions" "$port" load valid.session
  assert_output 'reused 0'
}

@test "40 threads shake hands at once: the store is loaded once, every verdict is right" {
  run -0 shim "$FARM/sessions" "$(port_of valid)" threads 40 5
  assert_output 'good 200 bad 0'
  run -0 shim "$FARM/sessions" "$(port_of self-signed)" threads 40 5
  assert_output 'good 0 bad 200'
  trusting "$PWD/missing"
  : >"$JYTHONSOCK_REPORT"
  run -0 shim "$FARM/sessions" "$(port_of valid)" threads 40 5
  assert_output 'good 0 bad 200'
  assert_equal "$(notes truststore | wc -l)" 1
}

@test "the store is read once, not for every handshake" {
  command -v strace >/dev/null || skip 'strace is not installed'
  LD_PRELOAD='' strace -f -e trace=openat -o trace env LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$FARM/sessions" "$(port_of valid)" threads 4 5
  assert_equal "$(grep -c all.pem trace)" 1
}

@test "children born before and after their parent loaded the store shake hands too" {
  local children
  for children in 5 10 20; do
    run -0 shim "$FARM/sessions" "$(port_of valid)" forks "$children"
    assert_output 'good 1 bad 0 children failed 0'
  done
}

@test "servers are untouched: mutual TLS under the shim, with a store that trusts nothing" {
  trusting missing
  cat >server.py <<'PROGRAM'
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{sys.argv[1]}/valid.crt", f"{sys.argv[1]}/valid.served.key")
context.load_verify_locations(f"{sys.argv[1]}/anchors/root.pem")
context.verify_mode = ssl.CERT_REQUIRED
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
for _ in range(2):
    try:
        with context.wrap_socket(listener.accept()[0], server_side=True) as tls:
            print("client", tls.getpeercert()["subject"][0][0][1], tls.recv(5), flush=True)
    except ssl.SSLError as error:
        print("refused", error.reason, flush=True)
PROGRAM
  start shim "$PYTHON" server.py "$FARM/pki" >server.out 2>&1
  wait_for_line server.out '^[0-9]+$'
  local port
  port=$(head -1 server.out)
  printf hello | openssl s_client -quiet -connect "127.0.0.1:$port" -cert "$FARM/pki/any-eku.crt" -key "$FARM/pki/any-eku.served.key" >/dev/null 2>&1 || :
  printf hello | openssl s_client -quiet -connect "127.0.0.1:$port" -cert "$FARM/pki/client-eku.crt" -key "$FARM/pki/client-eku.served.key" >/dev/null 2>&1 || :
  wait_for_line server.out 'client localhost'
  assert_equal "$(findings "$JYTHONSOCK_REPORT" tls-server | jq -r '.mode' | sort -u)" report
  [[ -z $(findings "$JYTHONSOCK_REPORT" tls-verify) ]]
}

@test "tls-server enforced: the server's handshake fails" {
  export JYTHONSOCK_RULES=tls-server=enforce
  cat >server.py <<'PROGRAM'
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{sys.argv[1]}/valid.crt", f"{sys.argv[1]}/valid.served.key")
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
try:
    context.wrap_socket(listener.accept()[0], server_side=True)
except OSError as error:
    print(error, flush=True)
PROGRAM
  start shim "$PYTHON" server.py "$FARM/pki" >server.out 2>&1
  wait_for_line server.out '^[0-9]+$'
  openssl s_client -connect "127.0.0.1:$(head -1 server.out)" </dev/null >/dev/null 2>&1 || :
  wait_for_line server.out 'Errno 95. Operation not supported'
  assert_equal "$(findings "$JYTHONSOCK_REPORT" tls-server | jq -r '.mode + " " + .errno')" 'enforce EOPNOTSUPP'
}

@test "tls-nonblocking: reported, and ESOCKISBLOCKING where enforced; a timeout is not non-blocking" {
  cat >program.py <<'PROGRAM'
import socket, ssl, sys
silent = socket.create_server(("127.0.0.1", 0))  # nothing comes back from it
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1]) or silent.getsockname()[1]))
if sys.argv[2] == "timeout":
    connection.settimeout(10)
else:
    connection.setblocking(False)
tls = ssl._create_unverified_context().wrap_socket(connection, do_handshake_on_connect=False)
try:
    tls.do_handshake()
except (ssl.SSLWantReadError, OSError) as error:
    print(type(error).__name__, error.errno)
PROGRAM
  run -0 shim "$PYTHON" program.py 0 nonblocking
  assert_output 'SSLWantReadError 2'
  assert_equal "$(findings "$JYTHONSOCK_REPORT" tls-nonblocking | jq -r '.mode + " " + .errno')" 'report ESOCKISBLOCKING'
  export JYTHONSOCK_RULES=tls-nonblocking=enforce
  run -0 shim "$PYTHON" program.py 0 nonblocking
  assert_output 'OSError 20000'
  run -0 shim "$PYTHON" program.py "$(port_of valid)" timeout
  assert_output ''
  shim "$FARM/client" nonblocking <<<"$(row valid)" | grep 'valid fail: SSL_get_error 5, no error queued, verify result 0, errno 20000'
}

@test "tls-client-certificate: reported, and not sent where enforced" {
  cat >server.py <<'PROGRAM'
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{sys.argv[1]}/valid.crt", f"{sys.argv[1]}/valid.served.key")
context.load_verify_locations(f"{sys.argv[1]}/anchors/root.pem")
context.verify_mode = ssl.CERT_OPTIONAL
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
for _ in range(2):
    with context.wrap_socket(listener.accept()[0], server_side=True) as tls:
        print("client", bool(tls.getpeercert()), flush=True)
        tls.sendall(b"ok")
PROGRAM
  start "$PYTHON" server.py "$FARM/pki" >server.out 2>&1
  wait_for_line server.out '^[0-9]+$'
  local port mode
  port=$(head -1 server.out)
  for mode in report enforce; do
    JYTHONSOCK_RULES=tls-client-certificate=$mode run shim curl -sk --max-time 10 --http0.9 "https://127.0.0.1:$port/" \
      --cert "$FARM/pki/no-extensions.crt" --key "$FARM/pki/no-extensions.served.key"
    assert_equal "$(findings "$JYTHONSOCK_REPORT" tls-client-certificate | jq -r .mode)" "$mode"
    : >"$JYTHONSOCK_REPORT"
  done
  wait_for_line server.out 'client False'
  assert_equal "$(grep client server.out)" $'client True\nclient False'
}

@test "memory does not grow over 10,000 handshakes" {
  run -0 shim "$FARM/sessions" "$(port_of ecdsa)" many 10000
  assert_output --regexp '^good 10000 bad 0 grown [0-9]+$'
  [[ ${output##* } -lt 400 ]]
}

@test "nothing leaks: refused and trusted chains, JKS and PKCS12 stores, under valgrind" {
  local name
  command -v valgrind >/dev/null || skip 'valgrind is not installed'
  for name in valid self-signed; do
    valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 --trace-children=no \
      env LD_PRELOAD="$JYTHONSOCK_LIBRARY" true
    LD_PRELOAD=$JYTHONSOCK_LIBRARY valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 \
      "$FARM/sessions" "$(port_of "$name")" many 20 >out 2>valgrind.out || { cat valgrind.out; return 1; }
    LD_PRELOAD=$JYTHONSOCK_LIBRARY valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 \
      "$FARM/client" accept-chain <<<"$(row "$name")" >out 2>valgrind.out || { cat valgrind.out; return 1; }
  done
}
