#!/usr/bin/env bats
# compat/ alone, under AddressSanitizer and UBSan.

load helper

setup_file() {
  make -s -C "$ROOT" BUILD="${JYTHONSOCK_LIBRARY%/*}" units
}

# unit NAME: it returns 0 and says nothing.
unit() {
  local name=$1
  run env -u LD_PRELOAD timeout 60 "${JYTHONSOCK_LIBRARY%/*}/tests/unit/$name"
  printf '%s\n' "$output"
  [[ $status -eq 0 && -z $output ]]
}

@test "settings are parsed, and refused, as documented" {
  unit policy
}

@test "decisions follow state and mode" {
  unit decide
}

@test "an address is kept whole while threads write and read it" {
  unit shadow
}

@test "the fd table holds beyond its flat part, and under threads" {
  unit fdtable
}

@test "every unit has a test here" {
  local file
  for file in "$ROOT"/tests/unit/*.c; do
    grep -q "^  unit $(basename "$file" .c)$" "$BATS_TEST_FILENAME" || { printf '%s\n' "$file"; return 1; }
  done
}
