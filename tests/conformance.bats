# What programs see under the shim against what they see on Jython: recorded transcripts, and the live Jython where it is
# installed. `scripts/conformance --help` and `scripts/differential-fuzz --help` run the whole of it.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

# Floors, in per cent. Raise them with the library; a lower one needs a reason.
FLOOR_253_DEVIATING=${FLOOR_253_DEVIATING:-99}
FLOOR_253_RULES=${FLOOR_253_RULES:-99}
FLOOR_253_AGREEING=${FLOOR_253_AGREEING:-100}
FLOOR_27_DEVIATING=${FLOOR_27_DEVIATING:-99}
FLOOR_27_RULES=${FLOOR_27_RULES:-98}
FLOOR_27_AGREEING=${FLOOR_27_AGREEING:-99.9}
# A fifteenth of the scenarios: one step is half a per cent.
FLOOR_LIVE_DEVIATING=${FLOOR_LIVE_DEVIATING:-97}
FLOOR_RANDOM=${FLOOR_RANDOM:-97}

setup() {
  load helper
  bats_load_library bats-support
  bats_load_library bats-assert
}

need_jython() {
  [[ -n $(command -v "${JYTHON:-jython}") ]] || skip 'jython is not installed (apt-get install jython)'
}

@test "profile 2.5.3 does what was recorded of Jython 2.5.3" {
  run -0 "$ROOT/scripts/conformance" --profile 2.5.3 --list 60 --deviating-floor "$FLOOR_253_DEVIATING" \
    --rules-floor "$FLOOR_253_RULES" --agreeing-floor "$FLOOR_253_AGREEING"
}

@test "profile 2.7 does what was recorded of Jython 2.7.3" {
  run -0 "$ROOT/scripts/conformance" --profile 2.7 --list 60 --deviating-floor "$FLOOR_27_DEVIATING" \
    --rules-floor "$FLOOR_27_RULES" --agreeing-floor "$FLOOR_27_AGREEING"
}

@test "plain CPython does nothing of what the shim is for" {
  run -1 "$ROOT/scripts/conformance" --baseline --every 15 --deviating-floor 10
  assert_line --partial 'too low: deviating'
}

@test "the live Jython 2.7.3 still does what was recorded of it, and so does profile 2.7" {
  need_jython
  run -0 "$ROOT/scripts/conformance" --live --every 15 --list 60 --deviating-floor "$FLOOR_LIVE_DEVIATING"
  [[ $output =~ "live Jython: "([0-9]+)" steps, "([0-9]+)" not as recorded" ]]
  # A busy machine shows races that no recording saw.
  ((BASH_REMATCH[1] > 400 && BASH_REMATCH[2] * 50 < BASH_REMATCH[1]))
}

@test "random sequences do on the shim what they do on the live Jython 2.7.3" {
  need_jython
  run -0 "$ROOT/scripts/differential-fuzz" --seed 27 --count 200 --shrink 3 --floor "$FLOOR_RANDOM"
}

@test "random sequences are told from those of plain CPython" {
  need_jython
  run -1 "$ROOT/scripts/differential-fuzz" --baseline --seed 27 --count 15 --shrink 1 --floor 90
  # The script that it prints runs by itself, and shows what differs.
  printf '%s\n' "$output" | sed -n '/^#!/,/^\])/p' >"$BATS_TEST_TMPDIR/difference.py"
  run -0 "$PYTHON" "$BATS_TEST_TMPDIR/difference.py"
  assert_output --regexp 'socket\.socket\(.*ok:sock'
}

@test "a seed means the same sequences each time" {
  run -0 "$PYTHON" -c 'import sys; sys.path.insert(0, sys.argv[1]); import fuzz_generate
print([fuzz_generate.sequence(7, number) for number in range(50)])' "$ROOT/scripts/lib"
  local first=$output
  PYTHONHASHSEED=1 run -0 "$PYTHON" -c 'import sys; sys.path.insert(0, sys.argv[1]); import fuzz_generate
print([fuzz_generate.sequence(7, number) for number in range(50)])' "$ROOT/scripts/lib"
  assert_equal "$output" "$first"
}
