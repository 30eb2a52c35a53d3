#!/usr/bin/env bats
# The library built with AddressSanitizer and UBSan, and with ThreadSanitizer, in
# programs of ours.  Slow to build, so kept apart, below the build directory.

# shellcheck disable=SC2030,SC2031  # each test has its own environment
load helper
bats_require_minimum_version 1.5.0

PLAIN=${JYTHONSOCK_LIBRARY%/*}

# built NAME SANITIZERS GOAL...: in a directory of its own.
built() {
  local name=$1 sanitizers=$2
  shift 2
  make -s -C "$ROOT" BUILD="$PLAIN/$name" SANITIZE="$sanitizers" "$@"
}

setup_file() {
  make -s -C "$ROOT" BUILD="$PLAIN" hosts probes
  built asan address,undefined all
  built tsan thread all hosts
}

teardown() {
  stop_all
}

# serve_tls: a server whose certificate is the store trusted.pem, and one with another.
serve_tls() {
  local name
  cd "$BATS_TEST_TMPDIR" || return
  mkdir pki
  for name in trusted stranger; do
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "pki/$name.served.key" -out "pki/$name.pem" 2>/dev/null
  done
  start "$PYTHON" -W ignore "$ROOT/tests/tls/server.py" pki ports log
  wait_for_line ports anonymous
  export JYTHONSOCK_TRUSTSTORE=$PWD/pki/trusted.pem JYTHONSOCK_REPORT=$PWD/report
}

# port_of NAME: where the server of that name listens.
port_of() {
  awk -v name="$1" '$1 == name { print $2 }' ports
}

# sanitized NAME RUNTIME COMMAND [ARG...]: the sanitizer's runtime first, then ours.
sanitized() {
  local name=$1 runtime=$2
  shift 2
  LD_PRELOAD="$(gcc -print-file-name="$runtime") $PLAIN/$name/libjythonsock.so" \
    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
    TSAN_OPTIONS="suppressions=$ROOT/tests/tls/tsan.supp" timeout 100 "$@" 2>&1
}

# agrees NAME RUNTIME HOST...: it says what it says under the plain library, and
# ends well.
agrees() {
  local name=$1 runtime=$2 host=$3 hosts=$PLAIN/tests/hosts
  local -a words
  read -ra words <<<"$host"
  printf '%s\n' "$host"
  [[ $name != tsan ]] || hosts=$PLAIN/tsan/tests/hosts
  diff <(shim timeout 60 "$PLAIN/tests/hosts/${words[0]}" "${words[@]:1}" 2>&1 && printf 'well\n') \
    <(sanitized "$name" "$runtime" "$hosts/${words[0]}" "${words[@]:1}" && printf 'well\n')
}

@test "AddressSanitizer and UBSan find nothing in what the hosts do" {
  local host
  # Not badargs, not memory: the sanitizer reads bad pointers, and needs memory, itself.
  for host in duplicate "reuse close" "reuse fclose" "reuse unseen" rights forks "images system" "images vfork-renamed" \
    "images posix_spawn-renamed" "fastopen sendto" "fastopen sendmsg" signals cancel "threads 1000 any"; do
    agrees asan libasan.so "$host"
  done
}

@test "AddressSanitizer and UBSan find nothing in the probes of the matrix" {
  local name expected rules profile
  local -a words
  while IFS=$'\t' read -r name profile rules expected; do
    read -ra words <<<"$name"
    run env JYTHONSOCK_PROFILE="$profile" JYTHONSOCK_RULES="${rules#-}" JYTHONSOCK_REPORT="$BATS_TEST_TMPDIR/report" \
      bash -c "$(declare -f sanitized); PLAIN=\$1; shift; sanitized asan libasan.so \"\$@\"" _ \
      "$PLAIN" "$PLAIN/tests/probes/${words[0]}" "${words[@]:1}"
    printf '%s | %s | %s\nexpected: %s\ngot: %s\n' "$name" "$profile" "$rules" "$expected" "$output"
    [[ $output == "$expected" ]]
  done < <(awk -F '\t' '!/^#/ && NF && $1 !~ /^errno-connect/ && ($3 == "-" || $3 ~ /=enforce/)' "$ROOT/tests/expect.tsv")
}

@test "a sanitizer that is at work would say so" {
  printf '#include <stdlib.h>\nint main(int argc, char **argv) { (void)argv; char *p = malloc(1); free(p); return p[argc]; }\n' \
    >"$BATS_TEST_TMPDIR/wrong.c"
  cc -w -O0 -g -fsanitize=address -o "$BATS_TEST_TMPDIR/wrong" "$BATS_TEST_TMPDIR/wrong.c"
  run sanitized asan libasan.so "$BATS_TEST_TMPDIR/wrong"
  [[ $status -ne 0 && $output == *heap-use-after-free* ]]
  nm -D --undefined-only "$PLAIN/asan/libjythonsock.so" | grep -q __asan_report
  nm -D --undefined-only "$PLAIN/asan/libjythonsock.so" | grep -q __ubsan_handle
  nm -D --undefined-only "$PLAIN/tsan/libjythonsock.so" | grep -q __tsan_atomic
}

@test "ThreadSanitizer finds no race on one descriptor or on many" {
  local -x JYTHONSOCK_PROFILE
  for JYTHONSOCK_PROFILE in 2.5 2.5.3 2.7; do
    agrees tsan libtsan.so "threads 500"
  done
}

@test "ThreadSanitizer finds no unsafe call in signal handlers, cancelled threads and fork children" {
  local host
  for host in signals cancel forks duplicate; do
    agrees tsan libtsan.so "$host"
  done
}

@test "ThreadSanitizer finds no race in the handshakes of 40 threads" {
  serve_tls
  gcc -g -O1 -fsanitize=thread -pthread -o sessions "$ROOT/tests/tls/sessions.c" -lssl -lcrypto
  run -0 sanitized tsan libtsan.so ./sessions "$(port_of trusted)" threads 40 5
  [[ $output == 'good 200 bad 0' ]]
  run -0 sanitized tsan libtsan.so ./sessions "$(port_of stranger)" threads 40 5
  [[ $output == 'good 0 bad 200' ]]
  [[ -n $(findings report tls-verify) ]]
}

@test "AddressSanitizer and UBSan find nothing in handshakes and in the reading of stores" {
  local store way
  serve_tls
  gcc -g -O1 -pthread -o sessions "$ROOT/tests/tls/sessions.c" -lssl -lcrypto
  gcc -g -O1 -o client "$ROOT/tests/tls/client.c" -lssl -lcrypto
  run -0 sanitized asan libasan.so ./sessions "$(port_of trusted)" threads 10 3
  [[ $output == 'good 30 bad 0' ]]
  for way in connect write nonblocking memory bio accept-step accept-chain ask-and-accept refuse-step refuse-chain; do
    run -0 sanitized asan libasan.so ./client "$way" <ports
    [[ $(wc -l <<<"$output") -eq 3 && $output == 'stranger fail'* ]] || { printf '%s: %s\n' "$way" "$output"; return 1; }
  done
  for store in "$ROOT"/tests/fuzz/corpus/*/*; do
    JYTHONSOCK_TRUSTSTORE=$store JYTHONSOCK_TRUSTSTORE_PASSWORD=s3cret run -0 sanitized asan libasan.so ./client connect <ports
    [[ $(wc -l <<<"$output") -eq 3 && $(grep -c fail <<<"$output") -eq 3 ]] || { printf '%s: %s\n' "$store" "$output"; return 1; }
  done
}
