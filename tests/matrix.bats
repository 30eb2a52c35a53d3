#!/usr/bin/env bats
# Every row of expect.tsv, run once under the library and, where it says what
# Linux does, once without.

# shellcheck disable=SC2016  # awk and the inner shell expand what stands in single quotes

load helper

PROBES=${JYTHONSOCK_LIBRARY%/*}/tests/probes

# rows: those of expect.tsv, numbered: line, probe, profile, rules, expected.
rows() {
  awk -F '\t' -v OFS='\t' '!/^#/ && NF { print NR, $0 }' "$ROOT/tests/expect.tsv"
}

# probe COMMAND [ARG...]: its line, whatever it returns.
probe() {
  local command=$1
  shift
  timeout 20 "$PROBES/$command" "$@" 2>&1 || :
}

# under PROFILE RULES REPORT COMMAND [ARG...]
under() {
  local profile=$1 rules=$2 report=$3
  shift 3
  [[ $rules != - ]] || rules=
  JYTHONSOCK_PROFILE=$profile JYTHONSOCK_RULES=$rules JYTHONSOCK_REPORT=$report \
    LD_PRELOAD=$JYTHONSOCK_LIBRARY probe "$@"
}

# run_row LINE PROBE PROFILE RULES EXPECTED: the row, what the probe said, and what it
# said without the library (off) or without a report (no override), else the same
# again.  Findings go to report.LINE.
run_row() {
  local line=$1 name=$2 profile=$3 rules=$4 expected=$5 got other
  local -a words
  read -ra words <<<"$name"
  got=$(under "$profile" "$rules" "$BATS_FILE_TMPDIR/report.$line" "${words[@]}")
  other=$got
  if [[ $rules == *=off* ]]; then
    other=$(probe "${words[@]}")
  elif [[ $rules == - ]]; then
    other=$(under "$profile" - '' "${words[@]}")
  fi
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$line" "$name" "$profile" "$rules" "$expected" "$got" "$other"
}

# run_rows: all of them, a few at a time, since some wait for a timeout.
run_rows() {
  export -f run_row under probe
  export PROBES
  rows | tr '\t\n' '\0\0' | xargs -0 -n 5 -P 4 bash -c 'run_row "$@"' _
}

# add_findings: rule=mode of every finding, as the last column.
add_findings() {
  jq -r 'select(.rule) | "\(input_filename | sub(".*report[.]"; ""))\t\(.rule)=\(.mode)"' "$BATS_FILE_TMPDIR"/report.* |
    sort -u | awk -F '\t' -v OFS='\t' '
      NR == FNR { found[$1] = found[$1] $2 " "; next }
      { print $0, found[$1] }' - "$1"
}

setup_file() {
  make -s -C "$ROOT" BUILD="${JYTHONSOCK_LIBRARY%/*}" probes
  run_rows >"$BATS_FILE_TMPDIR/rows"
  add_findings "$BATS_FILE_TMPDIR/rows" >"$BATS_FILE_TMPDIR/results"
}

# complain AWK: fail with the rows for which the expression holds.
complain() {
  local condition=$1
  awk -F '\t' '
    function subject(rules) { sub(/,.*/, "", rules); return rules }
    function name(rules) { sub(/=.*/, "", rules); return rules }
    function mode(rules) { rules = subject(rules); sub(/.*=/, "", rules); return rules }
    function has(text, word) { return index(" " text, " " word " ") > 0 }
    '"$condition"' {
      printf "expect.tsv:%s: %s | profile %s | %s\n  expected: %s\n  got:      %s\n", $1, $2, $3, $4, $5, $6
      printf "  %s: %s\n  findings: %s\n", $4 ~ /=off/ ? "no library" : "no report", $7, $8
      bad = 1
    }
    END { exit bad || NR == 0 }' "$BATS_FILE_TMPDIR/results"
}

@test "every probe prints what the specification says" {
  complain '$6 != $5'
}

@test "a report that nobody reads changes no answer" {
  complain '$4 !~ /=off/ && $7 != $6'
}

@test "with its rule off a probe prints what it prints without the library" {
  complain '$4 ~ /=off/ && $7 != $5'
}

@test "what is enforced or reported leaves a finding of its rule and mode" {
  complain '$4 != "-" && mode($4) != "off" && !has($8, subject($4))'
}

@test "a rule that is off leaves no finding" {
  complain '$4 != "-" && mode($4) == "off" && index(" " $8, " " name($4) "=")'
}

@test "every enforced row is seen red: the same probe differs with the rule off" {
  awk -F '\t' '
    function name(rules) { sub(/=.*/, "", rules); return rules }
    $4 ~ /^[^,]*=enforce/ { enforced[$2] = $5; rule[$2] = name($4) }
    $4 ~ /^[^,]*=off/ { off[$2] = $5 }
    END {
      for (probe in enforced) {
        seen++
        if (rule[probe] != "fd-passing" && probe in off && off[probe] == enforced[probe]) {
          print probe ": nothing shows that " rule[probe] " is enforced"
          bad = 1
        }
      }
      exit bad || !seen
    }' "$BATS_FILE_TMPDIR/results"
}

@test "every rule of profile 2.5 has a probe enforced, reported and off" {
  local rule mode
  local -a names
  run env JYTHONSOCK_RULES=none=off LD_PRELOAD="$JYTHONSOCK_LIBRARY" true
  read -ra names <<<"${output//,/}"
  [[ ${#names[@]} -gt 20 ]]
  for rule in "${names[@]}"; do
    case $rule in
    reconnect | shutdown-discard | shutdown-local | submillisecond-timeout | send-cap | accept-inherits | tls-*)
      continue # other profiles', or other tests'
      ;;
    *-*) ;;
    *) continue ;;
    esac
    for mode in enforce report off; do
      if ! rows | cut -f4 | grep -Eq "^$rule=$mode(,|$)"; then
        printf 'no row for %s=%s\n' "$rule" "$mode"
        return 1
      fi
    done
  done
}
