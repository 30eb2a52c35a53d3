#!/usr/bin/env bats
# The library built with AddressSanitizer and UBSan, and with ThreadSanitizer, in
# programs of ours.  Slow to build, so kept apart, below the build directory.

load helper

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

# sanitized NAME RUNTIME COMMAND [ARG...]: the sanitizer's runtime first, then ours.
sanitized() {
  local name=$1 runtime=$2
  shift 2
  LD_PRELOAD="$(gcc -print-file-name="$runtime") $PLAIN/$name/libjythonsock.so" \
    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 timeout 100 "$@" 2>&1
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
  agrees tsan libtsan.so "threads 500"
}

@test "ThreadSanitizer finds no unsafe call in signal handlers, cancelled threads and fork children" {
  local host
  for host in signals cancel forks duplicate; do
    agrees tsan libtsan.so "$host"
  done
}
