#!/usr/bin/env bats
# JYTHONSOCK_PROFILE, JYTHONSOCK_RULES, JYTHONSOCK_REPORT: read once, refused aloud.

load helper

setup_file() {
  make -s -C "$ROOT" BUILD="${JYTHONSOCK_LIBRARY%/*}" probes
}

setup() {
  unset JYTHONSOCK_PROFILE JYTHONSOCK_RULES JYTHONSOCK_REPORT
  PROBES=${JYTHONSOCK_LIBRARY%/*}/tests/probes
  OUT=$BATS_TEST_TMPDIR/out
  ERR=$BATS_TEST_TMPDIR/err
}

# apart COMMAND [ARG...]: stdout to OUT, stderr to ERR, status to RC.
apart() {
  RC=0
  "$@" >"$OUT" 2>"$ERR" || RC=$?
}

# refused VARIABLE VALUE PART...: status 125, nothing on stdout, one line on stderr
# that names the variable and has each part.
refused() {
  local variable=$1 value=$2 part
  shift 2
  apart env "$variable=$value" LD_PRELOAD="$JYTHONSOCK_LIBRARY" echo ran
  printf 'status %s\n' "$RC"
  cat "$OUT" "$ERR"
  [[ $RC -eq 125 && ! -s $OUT && $(wc -l <"$ERR") -eq 1 ]] || return 1
  for part in "$variable" "$@"; do
    grep -Fq -e "$part" "$ERR" || { printf 'does not say: %s\n' "$part"; return 1; }
  done
}

# accepted VARIABLE=VALUE...: the program runs as ever.
accepted() {
  apart env "$@" LD_PRELOAD="$JYTHONSOCK_LIBRARY" echo ran
  cat "$OUT" "$ERR"
  [[ $RC -eq 0 && $(<"$OUT") == ran && ! -s $ERR ]]
}

# says EXPECTED COMMAND [ARG...]: what a probe prints under the library.
says() {
  local expected=$1
  shift
  run shim "$@"
  printf '%s: expected %s, got %s\n' "$*" "$expected" "$output"
  [[ $output == "$expected" ]]
}

@test "without settings a program runs, with nothing added to its output" {
  accepted LANG=C
}

@test "each profile is accepted and felt" {
  says 'getsockname=EINVAL' "$PROBES/unbound-name" tcp
  JYTHONSOCK_PROFILE=2.5 says 'poll=0' "$PROBES/wait-blocking" poll
  JYTHONSOCK_PROFILE=2.5.3 says 'poll=20000' "$PROBES/wait-blocking" poll
  JYTHONSOCK_PROFILE=2.7 says 'getsockname=ENOTCONN' "$PROBES/unbound-name" tcp
}

@test "empty settings are no settings" {
  accepted JYTHONSOCK_PROFILE= JYTHONSOCK_RULES= JYTHONSOCK_REPORT=
  JYTHONSOCK_PROFILE='' JYTHONSOCK_RULES='' says 'getsockname=EINVAL' "$PROBES/unbound-name" tcp
}

@test "an unknown profile is refused, and the three are named" {
  refused JYTHONSOCK_PROFILE 2.6 "'2.6'" 2.5, 2.5.3 2.7
  refused JYTHONSOCK_PROFILE 2.5.30 "'2.5.30'"
  refused JYTHONSOCK_PROFILE ' 2.5' "' 2.5'"
  refused JYTHONSOCK_PROFILE "$(printf 'x%.0s' {1..5000})" 2.5.3
}

@test "an unknown rule is refused, and every rule is named" {
  refused JYTHONSOCK_RULES no-such-rule=off "'no-such-rule'" all unsupported-option deferred-bind udp-null-source \
    select-blocking tls-verify fd-passing
  refused JYTHONSOCK_RULES errno-map=off,shutdown=off "'shutdown'" shutdown-noop
  refused JYTHONSOCK_RULES errno-map-=off "'errno-map-'"
  refused JYTHONSOCK_RULES =off "''"
}

@test "an unknown mode is refused, and the three are named" {
  refused JYTHONSOCK_RULES errno-map=on "'on'" errno-map enforce, report, off
  refused JYTHONSOCK_RULES errno-map= "''" enforce
  refused JYTHONSOCK_RULES all=enforced "'enforced'" enforce
}

@test "what is not rule=mode is refused" {
  refused JYTHONSOCK_RULES errno-map "'errno-map'" rule=mode
  refused JYTHONSOCK_RULES errno-map=off,,all=off rule=mode
  refused JYTHONSOCK_RULES , rule=mode
}

@test "a report file that cannot be written is refused" {
  refused JYTHONSOCK_REPORT /nowhere/at/all "'/nowhere/at/all'" 'writable file'
  refused JYTHONSOCK_REPORT "$BATS_TEST_TMPDIR" "'$BATS_TEST_TMPDIR'" 'writable file'
  refused JYTHONSOCK_REPORT "$(printf 'x%.0s' {1..300})" 'writable file'
}

@test "later entries win, and all names every rule" {
  JYTHONSOCK_RULES=unbound-name=off says 'getsockname=0' "$PROBES/unbound-name" tcp
  JYTHONSOCK_RULES=unbound-name=off,unbound-name=enforce says 'getsockname=EINVAL' "$PROBES/unbound-name" tcp
  JYTHONSOCK_RULES=all=off says 'getsockname=0' "$PROBES/unbound-name" tcp
  JYTHONSOCK_RULES=all=off,unbound-name=enforce says 'getsockname=EINVAL' "$PROBES/unbound-name" tcp
  JYTHONSOCK_RULES=unbound-name=enforce,all=off says 'getsockname=0' "$PROBES/unbound-name" tcp
  JYTHONSOCK_RULES=all=enforce says 'poll=20000' "$PROBES/wait-blocking" poll
  JYTHONSOCK_RULES=all=report says 'takes: BROADCAST KEEPALIVE LINGER OOBINLINE RCVBUF REUSEADDR SNDBUF RCVTIMEO SNDTIMEO REUSEPORT DONTROUTE RCVLOWAT PRIORITY TIMESTAMP NODELAY KEEPIDLE CORK TOS TTL' \
    "$PROBES/options" stream set
}

@test "all=off is Linux to the letter, for every probe of the matrix" {
  local name
  local -a words
  while IFS= read -r name; do
    read -ra words <<<"$name"
    [[ $name != errno-connect ]] || continue # slow, and in the matrix
    run timeout 20 "$PROBES/${words[0]}" "${words[@]:1}"
    JYTHONSOCK_RULES=all=off says "$output" "$PROBES/${words[0]}" "${words[@]:1}"
  done < <(awk -F '\t' '!/^#/ && NF { print $1 }' "$ROOT/tests/expect.tsv" | sort -u)
}

@test "a report that was not there is made, and one that was is continued" {
  local report=$BATS_TEST_TMPDIR/report
  JYTHONSOCK_REPORT=$report shim "$PROBES/unbound-name" tcp
  [[ $(findings "$report" unbound-name | wc -l) -eq 1 ]]
  JYTHONSOCK_REPORT=$report shim "$PROBES/unbound-name" tcp
  [[ $(findings "$report" unbound-name | wc -l) -eq 2 ]]
}

@test "a relative report name counts from where the program started" {
  local report=$BATS_TEST_TMPDIR/here
  cd "$BATS_TEST_TMPDIR"
  JYTHONSOCK_REPORT=here shim "$PYTHON" -c 'import os, socket; os.chdir("/proc"); socket.socket().getsockname()' || :
  [[ $(findings "$report" unbound-name | wc -l) -ge 1 ]]
}

@test "without a report name nothing is written anywhere" {
  cd "$BATS_TEST_TMPDIR"
  run shim "$PROBES/unbound-name" tcp
  [[ $output == 'getsockname=EINVAL' && -z $(ls -A .) ]]
}

@test "children inherit the settings" {
  local report=$BATS_TEST_TMPDIR/report
  JYTHONSOCK_PROFILE=2.7 JYTHONSOCK_REPORT=$report \
    says 'getsockname=ENOTCONN' sh -c "'$PROBES/unbound-name' tcp; true"
  [[ $(findings "$report" unbound-name | jq -r .profile) == 2.7 ]]
}

@test "settings are read once: a change afterwards is for children only" {
  run shim "$PYTHON" -c '
import os, socket, errno
os.environ["JYTHONSOCK_RULES"] = "all=off"
try: socket.socket().getsockname()
except OSError as e: print(errno.errorcode[e.errno], flush=True)
os.execv(os.sys.argv[1], ["unbound-name", "tcp"])' "$PROBES/unbound-name"
  [[ $output == EINVAL$'\n'getsockname=0 ]]
}

@test "a bad setting is refused before the program does anything" {
  JYTHONSOCK_PROFILE=nonsense apart shim touch "$BATS_TEST_TMPDIR/made"
  [[ $RC -eq 125 && ! -e $BATS_TEST_TMPDIR/made ]]
}
