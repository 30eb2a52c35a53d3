#!/usr/bin/env bats
# OpenSSL 1.1: the programs of Debian 11, and ours built against its library, get the
# verdicts that tls.bats compares with a real Java.

# shellcheck disable=SC2016,SC2030,SC2031  # bash -c expands by itself; each test has its own environment
load tls/farm
bats_require_minimum_version 1.5.0

setup_file() {
  export OLD=${JYTHONSOCK_LIBRARY%/*}/openssl11 OLD_LIBRARIES UNAVAILABLE
  UNAVAILABLE=$("$TLS/openssl11" "$OLD") || return 0
  OLD_LIBRARIES=$(dirname "$OLD"/usr/lib/*/libssl.so.1.1)
  farm_up
  against_old "$FARM/client" "$TLS/client.c"
  against_old "$FARM/sessions" "$TLS/sessions.c"
  against_old "$FARM/libclient11.so" -DLIBRARY -fPIC -shared "$TLS/client.c"
  "${CC:-gcc}" -O1 -g -DLIBRARY -fPIC -shared -o "$FARM/libclient3.so" "$TLS/client.c" -lssl -lcrypto
  "${CC:-gcc}" -O1 -g -o "$FARM/loader" "$TLS/loader.c"
  keytool -importcert -noprompt -alias root -file "$FARM/pki/anchors/root.pem" -keystore "$FARM/root.jks" -storetype JKS -storepass s3cret
  keytool -importcert -noprompt -alias root -file "$FARM/pki/anchors/root.pem" -keystore "$FARM/root.p12" -storepass s3cret
  keytool -importcert -noprompt -alias root -file "$FARM/pki/anchors/root.pem" -keystore "$FARM/legacy.p12" -storepass s3cret \
    -J-Dkeystore.pkcs12.legacy
}

teardown_file() {
  [[ $UNAVAILABLE ]] || farm_down
}

setup() {
  [[ -z $UNAVAILABLE ]] || skip "$UNAVAILABLE"
  tls_setup
}

teardown() {
  stop_all
}

# against_old OUTPUT ARG...: a program of ours, which finds OpenSSL 1.1 by itself.
against_old() {
  local output=$1
  shift
  "${CC:-gcc}" -O1 -g -o "$output" -I"$OLD/usr/include" -I"$OLD/usr/include/${OLD_LIBRARIES##*/}" "$@" \
    -L"$OLD_LIBRARIES" -Wl,-rpath,"$OLD_LIBRARIES",--no-as-needed -lssl -lcrypto -pthread
}

# old PROGRAM [ARG...]: one of Debian 11.
old() {
  local program=$1
  shift
  LD_LIBRARY_PATH=$OLD_LIBRARIES PYTHONHOME=$OLD/usr PYTHONDONTWRITEBYTECODE=1 "$OLD/usr/bin/$program" "$@"
}

# as_java COMMAND...: its verdicts under the shim are Java's, and not all without it.
as_java() {
  grep -v '^#' "$TLS/verdicts.tsv" | tr '\t' ' ' | sort >java
  shim "$@" <"$FARM/pki.ports" >ours
  "$@" <"$FARM/pki.ports" >plain
  diff java <(verdicts <ours | sort) || { printf 'as_java %s\n' "$*"; return 1; }
  run -1 diff java <(verdicts <plain | sort)
}

# each COMMAND...: for every row, "NAME ok" if COMMAND PORT prints ok.
each() {
  local name port
  while read -r name port; do
    if [[ $("$@" "$port") == *ok ]]; then printf '%s ok\n' "$name"; else printf '%s fail\n' "$name"; fi
  done
}

s_client() {
  printf x | old openssl s_client -quiet -connect "127.0.0.1:${!#}" "${@:1:$#-1}" 2>/dev/null
}

curl_k() {
  old curl -sk --max-time 20 "https://localhost:$1/"
}

notes() {
  jq -r --arg subject "$1" 'select(.note == $subject) | .text' "$JYTHONSOCK_REPORT"
}

@test "what runs here is OpenSSL 1.1, and the report names it" {
  old openssl version | grep '^OpenSSL 1\.1\.'
  old curl --version | grep OpenSSL/1.1
  old python3.9 -c 'import ssl; print(ssl.OPENSSL_VERSION)' | grep '^OpenSSL 1\.1\.'
  row valid | shim "$FARM/client" connect | grep '^valid ok'
  assert_equal "$(notes tls)" "client handshakes of $OLD_LIBRARIES/libssl.so.1.1 are checked; the trust store is $FARM/all.pem"
}

@test "OpenSSL 1.1's s_client gets Java's verdict on every certificate, in TLS 1.3 and 1.2" {
  as_java each s_client
  shim each s_client -tls1_2 <"$FARM/pki.ports" >ours
  diff java <(sort ours)
}

@test "C programs with OpenSSL 1.1 get Java's verdict however they shake hands and verify" {
  local way
  for way in connect do-handshake write write-ex read peek nonblocking memory bio accept-step accept-chain ask-and-accept; do
    as_java timeout 60 "$FARM/client" "$way"
  done
}

@test "curl -k of Debian 11 gets Java's verdict on every certificate" {
  as_java each curl_k
}

@test "CPython 3.9 of Debian 11 gets Java's verdict: CERT_NONE, asyncio, and its default context but for the host name" {
  as_java old python3.9 "$TLS/client.py" none
  as_java old python3.9 "$TLS/client.py" asyncio
  shim old python3.9 "$TLS/client.py" default <"$FARM/pki.ports" >ours
  diff <(sed 's/^wrong-host ok/wrong-host fail/' java) <(verdicts <ours | sort)
  grep -q "wrong-host fail: SSLCertVerificationError: .*Hostname mismatch, certificate is not valid for 'localhost'" ours
}

@test "a refused chain ends as OpenSSL 1.1 ends it, and the server gets the alert" {
  refused_as <<'ROWS'
self-signed 18 TLSV1_ALERT_UNKNOWN_CA
unknown-ca 20 TLSV1_ALERT_UNKNOWN_CA
expired 10 SSLV3_ALERT_CERTIFICATE_EXPIRED
client-eku 26 SSLV3_ALERT_UNSUPPORTED_CERTIFICATE
rsa-768 66 SSLV3_ALERT_BAD_CERTIFICATE
issuer-not-ca 24 TLSV1_ALERT_UNKNOWN_CA
ROWS
  row trusted-self-signed-expired | shim "$FARM/client" accept-step >out
  grep -Fxq 'trusted-self-signed-expired ok verify result 0, errno 0' out
  row valid | shim "$FARM/client" refuse-chain | grep -q 'valid fail: .* certificate verify failed, verify result 50'
  row valid | shim "$FARM/client" refuse-step | grep -q 'valid fail: .* certificate verify failed, verify result 50'
}

@test "OpenSSL 1.1's error queue holds what a verification of its own leaves there" {
  local port
  port=$(port_of self-signed)
  old openssl s_client -verify_return_error -connect "127.0.0.1:$port" </dev/null >plain 2>&1 || :
  shim old openssl s_client -connect "127.0.0.1:$port" </dev/null >ours 2>&1 || :
  grep -o 'error:.*certificate verify failed.*' plain >expected
  grep -o 'error:.*certificate verify failed.*' ours | diff expected -
}

@test "without any certificate, and in TLS 1.0 and 1.1, OpenSSL 1.1 is refused too" {
  row anonymous | "$FARM/client" anonymous | grep '^anonymous ok'
  run -0 shim "$FARM/client" anonymous <<<"$(row anonymous)"
  assert_output 'anonymous fail: SSL_get_error 1, certificate verify failed, verify result 1, errno 0'
  run shim old openssl s_client -cipher aNULL:@SECLEVEL=0 -tls1_2 -connect "127.0.0.1:$(port_of anonymous)" </dev/null
  assert_output --partial 'error:1416F086:SSL routines:tls_process_server_certificate:certificate verify failed:'
  { row tls10; row tls11; } >old.rows
  "$FARM/client" old <old.rows | verdicts | grep -c ok | grep -x 2
  shim "$FARM/client" old <old.rows | verdicts | grep -c fail | grep -x 2
}

@test "handshakes that the first read or write of OpenSSL 1.1 makes are checked, a server's reported" {
  local kind way
  against_old implicit "$TLS/implicit.c"
  for kind in anonymous psk psk13; do
    for way in read read-ex peek peek-ex write write-ex bio-read bio-write bio-puts bio-gets memory; do
      run -0 ./implicit client "$kind" "$way" nonblocking
      assert_output ok
      run shim ./implicit client "$kind" "$way" nonblocking
      assert_output 'fail: SSL_get_error 1, certificate verify failed, verify result 1, then nothing is read'
    done
  done
  : >"$JYTHONSOCK_REPORT"
  JYTHONSOCK_RULES=tls-verify=off run -0 shim ./implicit server psk read blocking
  assert_output ok
  assert_equal "$(findings "$JYTHONSOCK_REPORT" tls-server | jq -r '.mode + " " + .call')" 'report SSL_read'
}

@test "a chain that OpenSSL 1.1 meets again is refused when its time is over, and looks as without the library" {
  local way
  against_old clock "$TLS/clock.c"
  against_old chain "$TLS/chain.c"
  run -0 shim ./clock "$(port_of intermediate)" 0 0 400 0 -400 0
  assert_output $'0 ok\n0 ok\n400 fail: 10\n0 ok\n-400 fail: 9\n0 ok'
  for way in none peer callback; do
    shim ./chain "$(port_of intermediate)" "$way" "$FARM/pki/anchors/root.pem" >ours
    ./chain "$(port_of intermediate)" "$way" "$FARM/pki/anchors/root.pem" | diff - ours
    [[ $(grep -c '^chain 2' ours) -eq 2 ]]
  done
}

@test "OpenSSL 1.1 reads PKCS12, old and new, and JKS as Java does" {
  local store password verdict
  while read -r store password verdict; do
    trusting "$FARM/$store" "${password/#-}"
    row valid | shim "$FARM/client" connect | verdicts | grep -x "valid $verdict" || { printf '%s %s\n' "$store" "$password"; return 1; }
    row self-signed | shim "$FARM/client" connect | verdicts | grep -x 'self-signed fail'
  done <<'STORES'
root.jks s3cret ok
root.jks wrong fail
root.jks - ok
root.p12 s3cret ok
root.p12 wrong fail
root.p12 - fail
legacy.p12 s3cret ok
legacy.p12 wrong fail
STORES
  assert_equal "$(notes truststore | sort -u)" "$FARM/legacy.p12: wrong password: nothing is trusted
$FARM/root.jks: wrong password: nothing is trusted
$FARM/root.p12: it holds no trusted certificate: nothing is trusted
$FARM/root.p12: wrong password: nothing is trusted"
}

@test "OpenSSL 1.1 and 3 in one process, opened with RTLD_LOCAL or RTLD_DEEPBIND: each with its own store" {
  local flags
  { row valid; row self-signed; } >two
  for flags in local deepbind; do
    run -0 shim "$FARM/loader" "$flags" "$FARM/libclient3.so" "$FARM/libclient11.so" <two
    assert_equal "$(verdicts <<<"$output")" $'valid ok\nvalid ok\nself-signed fail\nself-signed fail'
    run -0 "$FARM/loader" "$flags" "$FARM/libclient11.so" "$FARM/libclient3.so" <two
    assert_equal "$(verdicts <<<"$output")" $'valid ok\nvalid ok\nself-signed ok\nself-signed ok'
  done
  : >"$JYTHONSOCK_REPORT"
  run -0 shim "$FARM/loader" local "$FARM/libclient11.so" "$FARM/libclient3.so" <two
  assert_equal "$(notes tls | grep -o 'libssl[^ ]*')" $'libssl.so.1.1\nlibssl.so.3'
}

@test "DTLS of OpenSSL 1.1 is checked" {
  local port name
  for name in valid self-signed; do
    port=$(free_port)
    dtls_server "$port" "$name"
    printf 'hello\n' | timeout 20 env LD_PRELOAD="$JYTHONSOCK_LIBRARY" LD_LIBRARY_PATH="$OLD_LIBRARIES" \
      "$OLD/usr/bin/openssl" s_client -dtls -connect "127.0.0.1:$port" >"$name.out" 2>&1 || :
    stop_all
  done
  grep -Fx 'Verification: OK' valid.out
  grep -q 'certificate verify failed' self-signed.out
}

@test "sessions of OpenSSL 1.1: resumed within the process, not from outside" {
  resumes
}

@test "40 threads with OpenSSL 1.1, and children of fork" {
  run -0 shim "$FARM/sessions" "$(port_of valid)" threads 40 5
  assert_output 'good 200 bad 0'
  run -0 shim "$FARM/sessions" "$(port_of self-signed)" threads 40 5
  assert_output 'good 0 bad 200'
  run -0 shim "$FARM/sessions" "$(port_of valid)" forks 10
  assert_output 'good 1 bad 0 children failed 0'
}

@test "servers of OpenSSL 1.1 are untouched, and the three rules about handshakes hold" {
  local port identity=(--cert "$FARM/pki/no-extensions.crt" --key "$FARM/pki/no-extensions.served.key")
  start shim bash -c 'exec "$@" <> <(:)' _ env LD_LIBRARY_PATH="$OLD_LIBRARIES" "$OLD/usr/bin/openssl" s_server \
    -accept 127.0.0.1:0 -naccept 2 -cert "$FARM/pki/valid.crt" -key "$FARM/pki/valid.served.key" \
    -Verify 1 -verify_return_error -CAfile "$FARM/pki/anchors/root.pem" >server.out 2>&1
  wait_for_line server.out '^ACCEPT 127.0.0.1:[0-9]+$'
  port=$(sed -n 's/^ACCEPT .*://p' server.out)
  JYTHONSOCK_RULES=tls-client-certificate=enforce shim old curl -sk --max-time 20 "${identity[@]}" "https://127.0.0.1:$port/" || :
  wait_for_line server.out 'peer did not return a certificate'
  shim start old curl -sk --max-time 20 "${identity[@]}" "https://127.0.0.1:$port/"
  wait_for_line server.out 'Client certificate'
  assert_equal "$(findings "$JYTHONSOCK_REPORT" tls-server | jq -r .mode)" report
  JYTHONSOCK_RULES=tls-nonblocking=enforce shim "$FARM/client" nonblocking <<<"$(row valid)" |
    grep 'valid fail: SSL_get_error 5, no error queued, verify result 0, errno 20000'
}

@test "nothing leaks with OpenSSL 1.1: refused and trusted chains, JKS and PKCS12 stores, under valgrind" {
  local name store
  command -v valgrind >/dev/null || skip 'valgrind is not installed'
  for store in root.jks root.p12; do
    trusting "$FARM/$store" s3cret
    for name in valid self-signed; do
      LD_PRELOAD=$JYTHONSOCK_LIBRARY valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 \
        "$FARM/sessions" "$(port_of "$name")" many 8 >out 2>valgrind.out || { cat valgrind.out; return 1; }
    done
  done
  row self-signed | LD_PRELOAD=$JYTHONSOCK_LIBRARY valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 \
    "$FARM/client" accept-chain >out 2>valgrind.out || { cat valgrind.out; return 1; }
}
