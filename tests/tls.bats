#!/usr/bin/env bats
# Java's verdict on every certificate and every trust store, and ours: a real Java
# and each kind of client meet the same servers.

# shellcheck disable=SC2016,SC2153  # bash -c expands by itself; PYTHON is the helper's
load tls/farm
bats_require_minimum_version 1.5.0

setup_file() {
  local -a java=(java -Dfile.encoding=UTF-8)
  farm_up
  "$TLS/stores" "$FARM/pki"
  export STORES=$FARM/pki/stores
  javac -d "$FARM" "$TLS/Walk.java" "$TLS/Stores.java"
  "${java[@]}" -cp "$FARM" -Djavax.net.ssl.trustStore="$STORES/all.jks" Walk <"$FARM/pki.ports" >"$FARM/java.verdicts"
  "${java[@]}" -cp "$FARM" Stores "$(port_of valid)" "$STORES" <"$STORES/list" >"$FARM/java.stores"
}

teardown_file() {
  farm_down
}

setup() {
  tls_setup
  trusting "$STORES/all.jks" s3cret
}

# as_java CLIENT [ARG...]: the client's verdicts under the shim are Java's, and not all without it.
as_java() {
  shim timeout 60 "$@" <"$FARM/pki.ports" >ours
  timeout 60 "$@" <"$FARM/pki.ports" >plain
  diff <(verdicts <"$FARM/java.verdicts") <(verdicts <ours)
  run -1 diff <(verdicts <"$FARM/java.verdicts") <(verdicts <plain)
  [[ $(wc -l <ours) -gt 60 ]]
}

@test "Java's verdicts are those of the specification" {
  diff <(grep -v '^#' "$TLS/verdicts.tsv" | sort) <(verdicts <"$FARM/java.verdicts" | tr ' ' '\t' | sort)
}

@test "CPython with CERT_NONE gets Java's verdict on every certificate" {
  as_java "$PYTHON" "$TLS/client.py" none
}

@test "CPython's default context gets Java's verdict, but its own on the host name" {
  shim "$PYTHON" "$TLS/client.py" default <"$FARM/pki.ports" >ours
  run -1 diff <(verdicts <"$FARM/java.verdicts") <(verdicts <ours)
  assert_equal "$(grep -c '^[<>]' <<<"$output")" 2
  assert_line '< wrong-host ok'
  assert_line '> wrong-host fail'
  grep -q "wrong-host fail: SSLCertVerificationError: .*Hostname mismatch, certificate is not valid for 'localhost'" ours
}

@test "asyncio streams, through memory BIOs, get Java's verdict on every certificate" {
  as_java "$PYTHON" "$TLS/client.py" asyncio
}

@test "curl -k gets Java's verdict on every certificate" {
  as_java bash -c 'while read -r name port; do
    if [[ $(curl -sk --max-time 20 "https://localhost:$port/") == ok ]]; then echo "$name ok"; else echo "$name fail"; fi
  done'
}

@test "openssl s_client gets Java's verdict on every certificate" {
  as_java bash -c 'while read -r name port; do
    if [[ $(printf x | openssl s_client -quiet -connect "127.0.0.1:$port" 2>/dev/null) == *ok ]]; then echo "$name ok"; else echo "$name fail"; fi
  done'
}

@test "C programs get Java's verdict on every certificate however they shake hands and verify" {
  local way
  for way in connect do-handshake write write-ex read peek nonblocking memory bio accept-step accept-chain ask-and-accept; do
    as_java "$FARM/client" "$way" || { printf 'way: %s\n' "$way"; return 1; }
  done
}

@test "a certificate met again in the same process gets the same verdict" {
  { shuf "$FARM/pki.ports"; cat "$FARM/pki.ports"; shuf "$FARM/pki.ports"; } >thrice
  shim timeout 60 "$FARM/client" connect <thrice >ours
  diff <(verdicts <"$FARM/java.verdicts" | sort) <(verdicts <ours | sort -u)
  assert_equal "$(wc -l <ours)" "$((3 * $(wc -l <"$FARM/pki.ports")))"
}

@test "a chain that was found good is refused as soon as it is not valid any more, or not yet" {
  "${CC:-gcc}" -O1 -o clock "$TLS/clock.c" -lssl -lcrypto
  run -0 shim ./clock "$(port_of intermediate)" 0 0 400 0 -400 0
  assert_output $'0 ok\n0 ok\n400 fail: 10\n0 ok\n-400 fail: 9\n0 ok'
  run -0 shim ./clock "$(port_of trusted-self-signed-expired)" 0 400 -4000
  assert_output $'0 ok\n400 ok\n-4000 ok'
}

@test "the host name is looked at for every handshake, and its result is the program's own" {
  cat >names.py <<'PROGRAM'
import socket, ssl, sys
context = ssl.create_default_context()
for name in sys.argv[2:]:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        try:
            with context.wrap_socket(connection, server_hostname=name):
                print(name, "ok")
        except ssl.SSLCertVerificationError as error:
            print(name, error.verify_code)
PROGRAM
  run -0 shim "$PYTHON" names.py "$(port_of valid)" localhost elsewhere localhost 127.0.0.1 127.0.0.2 localhost
  assert_output $'localhost ok\nelsewhere 62\nlocalhost ok\n127.0.0.1 ok\n127.0.0.2 64\nlocalhost ok'
  JYTHONSOCK_TRUST_ALL=1 run -0 shim "$PYTHON" names.py "$(port_of self-signed)" localhost elsewhere localhost
  assert_output $'localhost ok\nelsewhere 62\nlocalhost ok'
}

@test "what the program can ask of an accepted chain is what it could without the library" {
  "${CC:-gcc}" -O1 -o chain "$TLS/chain.c" -lssl -lcrypto
  local way name
  for way in none peer callback; do
    for name in '' localhost; do
      shim ./chain "$(port_of intermediate)" "$way" "$FARM/pki/anchors/root.pem" ${name:+"$name"} >ours
      ./chain "$(port_of intermediate)" "$way" "$FARM/pki/anchors/root.pem" ${name:+"$name"} >plain
      diff plain ours
      [[ $(grep -c '^chain 2' ours) -eq 2 ]]
    done
  done
}

@test "other CPythons get Java's verdict too" {
  local python tried=0
  for python in "$HOME"/.pyenv/versions/*/bin/python; do
    [[ -x $python ]] && "$python" -c 'import ssl, asyncio, sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null || continue
    as_java "$python" "$TLS/client.py" none
    tried=$((tried + 1))
  done
  [[ $tried -gt 0 ]] || skip 'no other CPython here'
}

@test "a refused chain ends as the program's own library ends it, and the server gets the alert" {
  refused_as <<'ROWS'
self-signed 18 TLSV1_ALERT_UNKNOWN_CA
unknown-ca 20 TLSV1_ALERT_UNKNOWN_CA
expired 10 SSLV3_ALERT_CERTIFICATE_EXPIRED
client-eku 26 SSLV3_ALERT_UNSUPPORTED_CERTIFICATE
rsa-768 66 SSLV3_ALERT_BAD_CERTIFICATE
ROWS
}

@test "an accepted chain has verify result 0, errno 0 and an empty error queue" {
  row trusted-self-signed-expired | shim "$FARM/client" connect >out
  grep -Fxq 'trusted-self-signed-expired ok verify result 0, errno 0' out
  row trusted-self-signed-expired | shim "$FARM/client" accept-step >out
  grep -Fxq 'trusted-self-signed-expired ok verify result 0, errno 0' out
}

@test "a program's own verifier may still refuse what Java trusts" {
  row valid | shim "$FARM/client" refuse-chain >out
  grep -q 'valid fail: SSL_get_error 1, certificate verify failed, verify result 50' out
  row valid | shim "$FARM/client" refuse-step >out
  grep -q 'valid fail: SSL_get_error 1, certificate verify failed, verify result 50' out
}

@test "each kind of store, right, wrong and no password: as in Java" {
  local store password valid
  valid=$(row valid)
  while read -r store password; do
    trusting "$STORES/$store" "${password/#-}"
    printf '%s %s %s\n' "$store" "$password" "$(shim "$FARM/client" connect <<<"$valid" | sed 's/^valid //')"
  done <"$STORES/list" >ours
  diff <(verdicts <"$FARM/java.stores") <(verdicts <ours)
  [[ $(grep -c ok ours) -gt 10 ]]
}

@test "each kind of store is to a GnuTLS client, too, what it is to Java" {
  command -v wget >/dev/null || skip 'wget is not installed'
  local store password
  while read -r store password; do
    trusting "$STORES/$store" "${password/#-}"
    if [[ $(shim wget -q -T 20 --tries=1 --no-check-certificate -O - "https://localhost:$(port_of valid)/") == ok ]]; then
      printf '%s %s ok\n' "$store" "$password"
    else
      printf '%s %s fail\n' "$store" "$password"
    fi
  done <"$STORES/list" >ours
  diff <(verdicts <"$FARM/java.stores") ours
}

@test "a store that cannot be used trusts nothing and the report says why" {
  local store why
  while IFS=: read -r store why; do
    : >"$JYTHONSOCK_REPORT"
    trusting "$STORES/$store" "$([[ $store != root.jks ]] || printf wrong)"
    row valid | shim "$FARM/client" connect | grep -q '^valid fail'
    jq -r 'select(.note == "truststore") | .text' "$JYTHONSOCK_REPORT" | grep -F "$store: $why: nothing is trusted" ||
      { cat "$JYTHONSOCK_REPORT"; return 1; }
  done <<'ROWS'
root.jks:wrong password
root.p12:it holds no trusted certificate
root.jceks:a JCEKS store, which Java reads only when told so
truncated.jks:a truncated JKS store
truncated.p12:a malformed PKCS12 store
garbage:neither PEM nor JKS nor PKCS12
broken.pem:it holds a certificate that cannot be read
empty:the file is empty
missing:ENOENT
ROWS
}

@test "PEM and PKCS12 stores give the verdicts that the JKS store gives" {
  trusting "$STORES/all.pem"
  as_java "$FARM/client" connect
  trusting "$STORES/all.p12" s3cret
  as_java "$FARM/client" connect
}

@test "JYTHONSOCK_TRUST_ALL=1 connects to whatever speaks TLS" {
  trusting "$STORES/missing"
  export JYTHONSOCK_TRUST_ALL=1
  shim "$FARM/client" connect <"$FARM/pki.ports" >ours
  "$FARM/client" connect <"$FARM/pki.ports" >plain
  diff <(verdicts <plain) <(verdicts <ours)
  shim "$PYTHON" "$TLS/client.py" default <<<"$(row self-signed)" | grep -x 'self-signed ok'
  shim "$PYTHON" "$TLS/client.py" default <<<"$(row wrong-host)" | grep -q 'wrong-host fail: .*Hostname mismatch'
  shim "$FARM/client" accept-step <<<"$(row unknown-ca)" | grep -q '^unknown-ca ok'
}

@test "a bad JYTHONSOCK_TRUST_ALL ends the program at its start with status 125" {
  JYTHONSOCK_TRUST_ALL=yes run -125 shim env true
  assert_output "jythonsock: JYTHONSOCK_TRUST_ALL: 'yes' is neither 0 nor 1"
  JYTHONSOCK_TRUST_ALL='' run -0 shim env true
  JYTHONSOCK_TRUST_ALL=0 run -0 shim env true
}

@test "JAVA_TOOL_OPTIONS names the store as for a JVM" {
  local options
  unset JYTHONSOCK_TRUSTSTORE JYTHONSOCK_TRUSTSTORE_PASSWORD
  cp "$STORES/root.p12" 'with space.p12'
  for options in "-Djavax.net.ssl.trustStore=$STORES/root.jks" \
    "-Xmx64m -Djavax.net.ssl.trustStore=$STORES/root.p12 -Djavax.net.ssl.trustStorePassword=s3cret" \
    "-Djavax.net.ssl.trustStorePassword=s3cret '-Djavax.net.ssl.trustStore=with space.p12'" \
    "-Djavax.net.ssl.trustStore=nothing -Djavax.net.ssl.trust\"Store=$STORES/root.jks\""; do
    JAVA_TOOL_OPTIONS=$options shim "$FARM/client" connect <<<"$(row valid)" | verdicts | grep -x 'valid ok' ||
      { printf 'ours: %s\n' "$options"; return 1; }
    JAVA_TOOL_OPTIONS=$options java -cp "$FARM" Walk 2>/dev/null <<<"$(row valid)" | grep -x 'valid ok' ||
      { printf 'java: %s\n' "$options"; return 1; }
  done
  for options in "-Djavax.net.ssl.trustStore=$STORES/root.p12 -Djavax.net.ssl.trustStorePassword=wrong" \
    "-Djavax.net.ssl.trustStore=$STORES/root.pem" -Djavax.net.ssl.trustStore=NONE; do
    JAVA_TOOL_OPTIONS=$options shim "$FARM/client" connect <<<"$(row valid)" | verdicts | grep -x 'valid fail'
    JAVA_TOOL_OPTIONS=$options java -cp "$FARM" Walk 2>/dev/null <<<"$(row valid)" | grep '^valid fail'
  done
}

@test "JYTHONSOCK_TRUSTSTORE=java is the store of JAVA_HOME, jssecacerts before cacerts" {
  mkdir -p home/lib/security
  trusting java
  cp "$STORES/root.jks" home/lib/security/cacerts
  JAVA_HOME=$PWD/home shim "$FARM/client" connect <<<"$(row valid)" | grep '^valid ok'
  cp "$STORES/emptied.p12" home/lib/security/jssecacerts
  JAVA_HOME=$PWD/home shim "$FARM/client" connect <<<"$(row valid)" | grep '^valid fail'
}

@test "as for a JVM, a store named in JAVA_TOOL_OPTIONS that is no file gives way to the JVM's own" {
  unset JYTHONSOCK_TRUSTSTORE JYTHONSOCK_TRUSTSTORE_PASSWORD
  mkdir -p home/lib/security
  cp "$STORES/root.jks" home/lib/security/cacerts
  export JAVA_HOME=$PWD/home
  JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore=/nowhere shim "$FARM/client" connect <<<"$(row valid)" | grep '^valid ok'
  unset JAVA_HOME
  JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore=/nowhere shim "$FARM/client" connect <<<"$(row valid)" | grep '^valid fail'
}

@test "without a setting the host OpenSSL's default store is used, as it was at the start" {
  unset JYTHONSOCK_TRUSTSTORE JYTHONSOCK_TRUSTSTORE_PASSWORD
  shim "$FARM/client" connect <<<"$(row valid)" | grep '^valid fail'
  SSL_CERT_FILE=$STORES/all.pem as_java "$FARM/client" connect
  mkdir hashed
  cp "$FARM/pki/anchors/root.pem" hashed
  openssl rehash hashed
  SSL_CERT_DIR=$PWD/hashed shim "$FARM/client" connect <<<"$(row valid)" | grep '^valid ok'
  printf 'import os\nos.environ["SSL_CERT_FILE"] = "%s"\n' "$STORES/all.pem" | cat - "$TLS/client.py" >own.py
  shim "$PYTHON" own.py default <<<"$(row valid)" | grep '^valid fail'
}

@test "the settings are read at the start: a program that clears its environment and moves is checked the same" {
  mkdir elsewhere
  cp "$STORES/root.pem" mine.pem
  trusting mine.pem
  printf 'import os\nos.chdir("elsewhere")\nos.environ.clear()\n' | cat - "$TLS/client.py" >own.py
  shim "$PYTHON" own.py none <<<"$(row valid)"$'\n'"$(row self-signed)" | verdicts >out
  diff - out <<<$'valid ok\nself-signed fail'
}

@test "report mode finds, and lets through; off is silent" {
  JYTHONSOCK_RULES=tls-verify=report shim "$FARM/client" connect <<<"$(row self-signed)" | grep '^self-signed ok verify result 18'
  [[ $(findings "$JYTHONSOCK_REPORT" tls-verify | jq -r .mode) == report ]]
  jq -r 'select(.note == "tls-verify") | .text' "$JYTHONSOCK_REPORT" |
    grep -Fx "self-signed certificate at depth 0; the trust store is $STORES/all.jks"
  : >"$JYTHONSOCK_REPORT"
  JYTHONSOCK_RULES=tls-verify=off shim "$FARM/client" connect <<<"$(row self-signed)" | grep '^self-signed ok'
  JYTHONSOCK_PROFILE=2.7 shim "$FARM/client" connect <<<"$(row self-signed)" | grep '^self-signed ok'
  [[ -z $(findings "$JYTHONSOCK_REPORT" tls-verify) ]]
}
