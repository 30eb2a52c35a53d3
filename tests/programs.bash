# For the tests that run real programs: the same command plain and under the shim.
# shellcheck shell=bash disable=SC2034,SC2154
# (some variables are for the tests and Bats, some are from it)

load helper
bats_load_library bats-support
bats_load_library bats-assert

SCRIPTS=$ROOT/tests/python
export SCRIPTS PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
BATS_TEST_TIMEOUT=60 # no program may hang

# Each test has a directory and a report of its own.
programs_setup() {
  STARTED=()
  REPORT=$BATS_TEST_TMPDIR/report
  cd "$BATS_TEST_TMPDIR" || return
  export JYTHONSOCK_REPORT=$REPORT
  : >"$REPORT"
}

programs_teardown() {
  stop_all
}

# requires COMMAND...: skip the test where one is missing.
requires() {
  local command
  for command; do
    command -v "$command" >/dev/null || skip "$command is not installed"
  done
}

# both COMMAND [ARG...]: sets plain_output, plain_status, shim_output and shim_status;
# standard error goes where standard output goes.
both() {
  run timeout 50 env -u LD_PRELOAD "$@"
  plain_output=$output plain_status=$status
  run timeout 50 env LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$@"
  shim_output=$output shim_status=$status
}

# unwatched COMMAND [ARG...]: under the shim without a report, as most run it, the
# program says what it said with one.
unwatched() {
  run timeout 50 env -u JYTHONSOCK_REPORT LD_PRELOAD="$JYTHONSOCK_LIBRARY" "$@"
  assert_equal "$output" "$shim_output"
  assert_equal "$status" "$shim_status"
}

# same COMMAND [ARG...]: both ended well and said the same.
same() {
  both "$@"
  unwatched "$@"
  assert_equal "$plain_status" 0
  assert_equal "$shim_status" 0
  assert_equal "$shim_output" "$plain_output"
}

# differs COMMAND [ARG...] <<EOF: what a command prints plain and under the shim. A
# line of standard input is "plain | shim", or one text for both.
differs() {
  local line want_plain=() want_shim=()
  while IFS= read -r line; do
    want_plain+=("${line%% | *}")
    want_shim+=("${line##* | }")
  done
  both "$@"
  unwatched "$@"
  assert_equal "$plain_output" "$(printf '%s\n' "${want_plain[@]}")"
  assert_equal "$shim_output" "$(printf '%s\n' "${want_shim[@]}")"
  assert_equal "$plain_status" 0
  assert_equal "$shim_status" 0
}

# differ SCRIPT [ARG...] <<EOF: the same for a script of tests/python.
differ() {
  local script=$1
  shift
  differs "$PYTHON" "$SCRIPTS/$script" "$@"
}

# reported RULE [FIELD=VALUE...]: the report holds such a finding.
reported() {
  local rule=$1 filter="select(.rule == \"$1\")" pair
  shift
  for pair; do
    filter+=" | select((.${pair%%=*} | tostring) == \"${pair#*=}\")"
  done
  [[ -n $(jq -c "$filter" "$REPORT") ]] || {
    printf 'no finding of %s %s in:\n' "$rule" "$*"
    cat "$REPORT"
    return 1
  } >&2
}

# unreported RULE: the report holds none.
unreported() {
  local rule=$1
  run findings "$REPORT" "$rule"
  assert_output ''
}
