#!/usr/bin/env bats
# The store readers under libFuzzer, a few seconds each; FUZZ_SECONDS: longer.

load helper

setup() {
  local clang
  clang=$(command -v clang) || skip 'clang is not installed'
  printf 'int LLVMFuzzerTestOneInput(const char *d, unsigned long s) { return d && s > 9; }\n' >"$BATS_TEST_TMPDIR/try.c"
  "$clang" -fsanitize=fuzzer -o "$BATS_TEST_TMPDIR/try" "$BATS_TEST_TMPDIR/try.c" 2>/dev/null || skip "clang's fuzzer is not installed"
  export BATS_TEST_TIMEOUT=$((${FUZZ_SECONDS:-4} + 90))
}

# fuzz TARGET SOURCE: from the corpus kept here; what is found new stays in the test's directory.
fuzz() {
  local target=$1 source=$2
  mkdir "$BATS_TEST_TMPDIR/corpus"
  clang -g -O1 -std=c11 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    -I"$ROOT/compat" -I"$ROOT/shim" -o "$BATS_TEST_TMPDIR/fuzz" "$ROOT/tests/fuzz/$target.c" "$ROOT/shim/$source" -lcrypto
  (cd "$BATS_TEST_TMPDIR" && ./fuzz -max_total_time="${FUZZ_SECONDS:-4}" -timeout=25 corpus "$ROOT/tests/fuzz/corpus/$target") 2>&1 | tail -40
  [[ ${PIPESTATUS[0]} -eq 0 ]]
}

@test "the JKS reader survives any file" {
  fuzz jks jks.c
}

@test "the PKCS12 reader survives any file" {
  fuzz pkcs12 ssl_pkcs12.c
}
