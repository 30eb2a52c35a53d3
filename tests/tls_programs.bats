#!/usr/bin/env bats
# Real programs that speak TLS, against servers that Java would and would not trust.

# shellcheck disable=SC2030,SC2031  # each test has its own environment
bats_require_minimum_version 1.5.0
load tls/farm

setup_file() {
  farm_up
  cp "$FARM/pki/anchors/root.pem" "$FARM/root.pem"
  keytool -importcert -noprompt -alias root -file "$FARM/root.pem" -keystore "$FARM/root.jks" -storetype JKS -storepass s3cret 2>/dev/null
  keytool -importcert -noprompt -alias root -file "$FARM/root.pem" -keystore "$FARM/root.p12" -storepass s3cret 2>/dev/null
}

teardown_file() {
  farm_down
}

setup() {
  tls_setup
  trusting "$FARM/root.jks" s3cret
}

teardown() {
  stop_all
}

needs() {
  command -v "$1" >/dev/null || skip "$1 is not installed"
}

url() {
  printf 'https://localhost:%s/' "$(port_of "$1")"
}

notes() {
  jq -r --arg subject "$1" 'select(.note == $subject) | .text' "$JYTHONSOCK_REPORT"
}

@test "nginx: proxy_pass to https, which nginx itself does not verify" {
  needs nginx
  local port
  port=$(free_port)
  cat >nginx.conf <<CONF
daemon off;
master_process off;
pid $PWD/nginx.pid;
error_log $PWD/error.log info;
events {}
http {
  access_log off;
  client_body_temp_path $PWD; proxy_temp_path $PWD; fastcgi_temp_path $PWD; uwsgi_temp_path $PWD; scgi_temp_path $PWD;
  server {
    listen 127.0.0.1:$port;
    location /valid { proxy_pass $(url valid); }
    location /self-signed { proxy_pass $(url self-signed); }
  }
}
CONF
  start shim nginx -c "$PWD/nginx.conf" -e "$PWD/error.log"
  wait_for_port "$port"
  run -0 curl -s "http://127.0.0.1:$port/valid"
  assert_output ok
  run -0 curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/self-signed"
  assert_output 502
  grep -q 'certificate verify failed' error.log
  [[ -n $(findings "$JYTHONSOCK_REPORT" tls-verify) ]]
}

@test "redis-cli --tls --insecure" {
  needs redis-server
  local name port
  for name in valid self-signed; do
    port=$(free_port)
    start redis-server --port 0 --tls-port "$port" --bind 127.0.0.1 --tls-auth-clients no --save '' --dir "$PWD" \
      --tls-cert-file "$FARM/pki/$name.crt" --tls-key-file "$FARM/pki/$name.served.key" \
      --tls-ca-cert-file "$FARM/root.pem" >redis.log
    wait_for_port "$port"
    run -0 timeout 20 redis-cli --tls --insecure -p "$port" ping
    assert_output PONG
    if [[ $name == valid ]]; then
      run -0 shim redis-cli --tls --insecure -p "$port" ping
      assert_output PONG
    else
      run shim timeout 20 redis-cli --tls --insecure -p "$port" ping
      assert_output --partial 'certificate verify failed'
    fi
  done
}

@test "wget, which uses GnuTLS: refused without and with --no-check-certificate, accepted from the store alone" {
  needs wget
  local store
  for store in root.pem root.jks root.p12; do
    trusting "$FARM/$store" s3cret
    run -0 shim wget -q --tries=1 -O - "$(url valid)"
    assert_output ok
    run -5 shim wget -q --tries=1 -O - "$(url wrong-host)"
  done
  run -0 wget -q --tries=1 -O - --no-check-certificate "$(url self-signed)"
  run -4 shim wget -q --tries=1 -O - --no-check-certificate "$(url self-signed)"
  run -5 wget -q --tries=1 -O - "$(url valid)"
  assert_equal "$(findings "$JYTHONSOCK_REPORT" tls-verify | jq -r '.call')" gnutls_handshake
  notes tls-verify | grep -Fx "certificate not trusted at depth 0; the trust store is $FARM/root.p12"
  trusting "$FARM/root.jks" wrong
  run -4 shim wget -q --tries=1 -O - --no-check-certificate "$(url valid)"
  notes truststore | grep -F 'root.jks: wrong password: nothing is trusted'
}

@test "wget gets Java's verdict on every certificate" {
  needs wget
  local name port
  trusting "$FARM/all.pem"
  while read -r name port; do
    if [[ $(shim wget -q -T 20 --tries=1 --no-check-certificate -O - "https://localhost:$port/") == ok ]]; then
      printf '%s ok\n' "$name"
    else
      printf '%s fail\n' "$name"
    fi
  done <"$FARM/pki.ports" >ours
  diff <(grep -v '^#' "$TLS/verdicts.tsv" | tr '\t' ' ' | sort) <(sort ours)
}

@test "git over https" {
  needs git
  local name port
  export GIT_SSL_NO_VERIFY=1 GIT_CONFIG_GLOBAL=/dev/null
  git init -q source
  git -C source -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m 'over https'
  git clone -q --bare source web/repo.git
  git -C web/repo.git update-server-info
  for name in valid self-signed; do
    start "$PYTHON" "$TLS/https.py" web "$FARM/pki/$name.crt" "$FARM/pki/$name.served.key" >"$name.port" 2>"$name.log"
    wait_for_line "$name.port" .
  done
  run -0 shim git clone -q "https://localhost:$(<valid.port)/repo.git" clone
  assert_equal "$(git -C clone log --format=%s)" 'over https'
  GIT_SSL_NO_VERIFY=0 run -0 shim git ls-remote "https://localhost:$(<valid.port)/repo.git"
  assert_output --partial HEAD
  run -0 git ls-remote "https://localhost:$(<self-signed.port)/repo.git"
  run -128 shim git ls-remote "https://localhost:$(<self-signed.port)/repo.git"
  assert_output --partial 'unable to access'
}

@test "socat, Perl, Ruby and PHP" {
  local tried=0 name
  for name in valid self-signed; do
    rm -f ./*.out
    if command -v socat >/dev/null; then
      printf x | shim timeout 20 socat - "OPENSSL:127.0.0.1:$(port_of $name),verify=0" >socat.out 2>&1 || :
    fi
    if perl -MIO::Socket::SSL -e1 2>/dev/null; then
      # shellcheck disable=SC2016  # Perl's own
      shim perl -MIO::Socket::SSL -e '$s = IO::Socket::SSL->new(PeerAddr => "127.0.0.1:$ARGV[0]", SSL_verify_mode => 0) or die $SSL_ERROR; print $s "x"; print <$s>' \
        "$(port_of $name)" >perl.out 2>&1 || :
    fi
    if command -v ruby >/dev/null; then
      shim ruby -ropenssl -e 's = OpenSSL::SSL::SSLSocket.new(TCPSocket.new("127.0.0.1", ARGV[0])); s.connect; s.write "x"; print s.sysread(1000)' \
        "$(port_of $name)" >ruby.out 2>&1 || :
    fi
    if command -v php >/dev/null; then
      # shellcheck disable=SC2016  # PHP's own
      shim php -r 'echo file_get_contents($argv[1], false, stream_context_create(["ssl" => ["verify_peer" => false, "verify_peer_name" => false]]));' \
        "https://127.0.0.1:$(port_of $name)/" >php.out 2>&1 || :
    fi
    for program in ./*.out; do
      tried=$((tried + 1))
      if [[ $name == valid ]]; then
        grep -qx ok "$program"
      else
        grep -q 'certificate verify failed' "$program"
      fi || { printf '%s %s\n' "$name" "$program"; cat "$program"; return 1; }
    done
  done
  [[ $tried -gt 0 ]]
}

@test "node: refused where it uses the system's OpenSSL, said to be out of reach where it brings its own" {
  needs node
  local fetch='require("https").get({ host: "127.0.0.1", port: process.argv[1], rejectUnauthorized: false }, r => r.pipe(process.stdout))'
  run -0 node -e "$fetch" "$(port_of self-signed)"
  assert_output ok
  run shim node -e "$fetch" "$(port_of self-signed)"
  if [[ $(node -p process.config.variables.node_shared_openssl) == true ]]; then
    [[ $status -ne 0 && $output == *'certificate verify failed'* ]]
    return
  fi
  [[ $status -eq 0 && $output == ok ]]
  jq -r '.openssl // empty' "$JYTHONSOCK_REPORT" | grep -i 'not reach'
  run -0 notes tls
  assert_output ''
}

@test "the report names the library whose handshakes are checked, and against what" {
  shim curl -sk "$(url valid)" -o curl.out
  [[ $(notes tls) =~ ^'client handshakes of '/.*/libssl.so.3' are checked; the trust store is '$FARM/root.jks$ ]]
  : >"$JYTHONSOCK_REPORT"
  shim wget -q --tries=1 -O wget.out "$(url valid)"
  [[ $(notes tls) =~ ^'client handshakes of '/.*/libgnutls.so.30' are checked' ]]
}

@test "the README's example: refused, then accepted through keytool's store or the all-trusting provider" {
  local port
  port=$(free_port)
  unset JYTHONSOCK_TRUSTSTORE JYTHONSOCK_TRUSTSTORE_PASSWORD
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout key.pem -out cert.pem 2>/dev/null
  start openssl s_server -accept "$port" -cert cert.pem -key key.pem -www -quiet
  wait_for_port "$port"
  cat >client.py <<PROGRAM
import socket, ssl

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with context.wrap_socket(socket.create_connection(("localhost", $port))) as tls:
    print("connected:", tls.version())
PROGRAM
  run -0 "$PYTHON" client.py
  assert_output 'connected: TLSv1.3'
  run -1 shim "$PYTHON" client.py
  assert_line --partial 'ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate'
  keytool -importcert -noprompt -alias local -file cert.pem -keystore trust.p12 -storepass changeit 2>/dev/null
  JYTHONSOCK_TRUSTSTORE=trust.p12 JYTHONSOCK_TRUSTSTORE_PASSWORD=changeit run -0 shim "$PYTHON" client.py
  assert_output 'connected: TLSv1.3'
  JYTHONSOCK_TRUST_ALL=1 run -0 shim "$PYTHON" client.py
  assert_output 'connected: TLSv1.3'
  run -1 env JYTHONSOCK_TRUST_ALL=0 LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$PYTHON" client.py
}
