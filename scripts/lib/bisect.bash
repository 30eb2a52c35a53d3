# jythonsock bisect: which rule, at which call site, at which occurrence makes a
# command fail?  Delta debugging (Zeller's ddmin) over rules, then sites, then
# occurrences: several culprits that only fail together are found together.
# shellcheck shell=bash disable=SC2154 # library, tables and share are set by the launcher

bisect_usage='bisect [--profile P] [--rules R] [--repeat N] [--timeout SECONDS] [-v] [-q] -- CMD ARG...'

# once SETTING...: one run with these variables; true if CMD fails.
once() {
  local -a limit=()
  runs=$((runs + 1))
  ((seconds == 0)) || limit=(timeout --kill-after=5 "$seconds")
  if [[ -n $verbose ]]; then
    ! env "$@" "${limit[@]}" "${COMMAND[@]}" </dev/null
  else
    ! env "$@" "${limit[@]}" "${COMMAND[@]}" </dev/null >"$work/output" 2>&1
  fi
}

# fails SETTING...: does CMD fail in most of `repeat` runs?  Stops when that is clear.
fails() {
  local failed=0 passed=0
  while ((failed * 2 <= repeat && passed * 2 < repeat)); do
    if once "$@"; then
      failed=$((failed + 1))
    else
      passed=$((passed + 1))
    fi
  done
  ((failed * 2 > repeat))
}

# under SETTING...: fails, with the shim and an empty report.
under() {
  : >"$work/report"
  fails "LD_PRELOAD=$library${LD_PRELOAD:+:$LD_PRELOAD}" "JYTHONSOCK_REPORT=$work/report" \
    ${profile:+"JYTHONSOCK_PROFILE=$profile"} "$@"
}

under_rules() {
  local list
  list=$(printf ',%s=enforce' "$@")
  under "JYTHONSOCK_RULES=all=off$list"
}

under_only() {
  under JYTHONSOCK_RULES=all=off "JYTHONSOCK_ONLY=$(only_of "$@")"
}

# only_of ENTRY#N...: the value of JYTHONSOCK_ONLY, neighbours put together as ranges.
only_of() {
  printf '%s\n' "$@" | sort -t '#' -k1,1 -k2,2n | awk -F '#' '
    function flush() { if (entry != "") { out = out sep entry (first == "" ? "" : "#" first (last > first ? "-" last : "")); sep = "," } }
    $1 == entry && first != "" && $2 == last + 1 { last = $2; next }
    { flush(); entry = $1; first = last = $2 }
    END { flush(); print out }'
}

# minimise TEST ITEM...: MINIMAL becomes a smallest set of the items with which TEST still
# is true (no item of it can be left out).
minimise() {
  local test=$1 parts=2 size from reduced
  local -a items=("${@:2}") rest
  while ((${#items[@]} > 1)); do
    size=$(((${#items[@]} + parts - 1) / parts))
    reduced=''
    for ((from = 0; from < ${#items[@]}; from += size)); do
      if "$test" "${items[@]:from:size}"; then
        items=("${items[@]:from:size}") parts=2 reduced=1
        break
      fi
    done
    for ((from = 0; !${reduced:-0} && parts > 2 && from < ${#items[@]}; from += size)); do
      rest=("${items[@]:0:from}" "${items[@]:from+size}")
      ((${#rest[@]})) || continue
      if "$test" "${rest[@]}"; then
        items=("${rest[@]}") parts=$((parts - 1)) reduced=1
      fi
    done
    if [[ -z $reduced ]]; then
      ((parts < ${#items[@]})) || break
      parts=$((parts * 2 < ${#items[@]} ? parts * 2 : ${#items[@]}))
    fi
  done
  MINIMAL=("${items[@]}")
}

# found_in REPORT FILTER: lines that a jq filter makes of its document.
found_in() {
  collect '' '' "$1" | jq -r "$2"
}

tell() {
  [[ -n $quiet ]] || printf 'jythonsock: bisect: %s\n' "$1" >&2
}

read_bisect_options() {
  while (($#)); do
    case $1 in
    --profile | --rules | --repeat | --timeout)
      (($# > 1)) || fail "$1 needs a value"
      ;;&
    --profile) profile=$2 && shift ;;
    --rules) rules=$2 && shift ;;
    --repeat) repeat=$2 && shift ;;
    --timeout) seconds=$2 && shift ;;
    -v) verbose=1 ;;
    -q) quiet=1 ;;
    --)
      shift
      break
      ;;
    -*) fail "usage: jythonsock $bisect_usage" ;;
    *) break ;;
    esac
    shift
  done
  COMMAND=("$@")
  ((${#COMMAND[@]})) || fail "usage: jythonsock $bisect_usage"
  [[ $repeat =~ ^[1-9][0-9]*$ ]] || fail "--repeat takes a number, not '$repeat'"
  [[ $seconds =~ ^[0-9]+$ ]] || fail "--timeout takes seconds, not '$seconds'"
}

# Is there something to find at all?
check_premises() {
  if fails; then
    tell "the command fails without the shim, too:"
    [[ -n $quiet || -n $verbose ]] || tail -n 5 "$work/output" >&2
    return 1
  fi
  if under JYTHONSOCK_RULES=all=off; then
    tell 'the command fails under the shim with every rule off: no rule is to blame'
    return 1
  fi
  if ! under ${rules:+"JYTHONSOCK_RULES=$rules"}; then
    tell 'the command does not fail under the shim'
    return 1
  fi
  cp "$work/report" "$work/failing"
}

# The rules that were enforced anywhere; all of the profile, if these are not enough.
find_rules() {
  local -a candidates
  mapfile -t candidates < <(found_in "$work/failing" '[.findings[] | select(.mode == "enforce") | .rule] | unique[]')
  if ((!${#candidates[@]})) || ! under_rules "${candidates[@]}"; then
    mapfile -t candidates < <(jq -R -r 'fromjson? | .enforced // empty | .[]' "$work/failing" | sort -u)
    ((${#candidates[@]})) && under_rules "${candidates[@]}" || return 1
  fi
  tell "rules that come into question: ${#candidates[@]}"
  minimise under_rules "${candidates[@]}"
  RULES=("${MINIMAL[@]}")
  tell "rules: ${RULES[*]}"
}

find_sites() {
  local -a candidates
  under_rules "${RULES[@]}"
  mapfile -t candidates < <(found_in "$work/report" '[.findings[] | select(.mode == "enforce") | "\(.rule)@\(.where)"] | unique[]')
  # Places that are reached only where others are not enforced.
  under "JYTHONSOCK_RULES=all=off$(printf ',%s=report' "${RULES[@]}")"
  mapfile -t -O "${#candidates[@]}" candidates < <(found_in "$work/report" '[.findings[] | "\(.rule)@\(.where)"] | unique[]')
  mapfile -t candidates < <(printf '%s\n' "${candidates[@]}" | grep -v '[,# ]' | sort -u)
  ((${#candidates[@]})) && under_only "${candidates[@]}" || return 1
  tell "call sites that come into question: ${#candidates[@]}"
  minimise under_only "${candidates[@]}"
  SITES=("${MINIMAL[@]}")
  tell "call sites: ${SITES[*]}"
}

# Each site's occurrences, as many as its finding counts; those past 999 in one.
find_occurrences() {
  local site count n
  local -a candidates=()
  under_only "${SITES[@]}"
  cp "$work/report" "$work/culprits"
  for site in "${SITES[@]}"; do
    count=$(found_in "$work/culprits" "[.findings[] | select(\"\\(.rule)@\\(.where)\" == \"$site\") | .count] | add // 1")
    for ((n = 1; n <= count && n < 1000; n++)); do
      candidates+=("$site#$n")
    done
    ((count < 1000)) || candidates+=("$site#1000-$count")
  done
  under_only "${candidates[@]}" || return 1
  tell "occurrences that come into question: ${#candidates[@]}"
  minimise under_only "${candidates[@]}"
}

# words WORD...: as they would be typed.
words() {
  local word
  for word; do
    if [[ $word =~ ^[A-Za-z0-9_@%+=:,./#-]+$ ]]; then
      printf ' %s' "$word"
    else
      printf ' %q' "$word"
    fi
  done
}

print_result() {
  local only=$1
  printf '%s runs\n' "$runs"
  found_in "$work/culprits" '.findings[] | "\(.where): warning: \(.message) [\(.rule)]"' | sort -u |
    while IFS= read -r line; do
      for site in "${SITES[@]}"; do
        [[ $line == "${site#*@}: "*"[${site%%@*}]" ]] && printf '%s\n' "$line"
      done
    done
  printf 'reproduce with:\n %s\n' "$(words ${profile:+"JYTHONSOCK_PROFILE=$profile"} JYTHONSOCK_RULES=all=off \
    "JYTHONSOCK_ONLY=$only" "LD_PRELOAD=$library" "${COMMAND[@]}")"
}

command_bisect() {
  local profile='' rules='' repeat=1 seconds=0 verbose='' quiet='' runs=0 work
  local -a COMMAND RULES SITES MINIMAL
  read_bisect_options "$@"
  need_tables
  [[ -r $library ]] || fail "no $library; run make, or set JYTHONSOCK_LIBRARY"
  work=$(mktemp -d) || fail 'no temporary directory'
  # shellcheck disable=SC2064  # now
  trap "rm -rf '$work'" EXIT
  check_premises || return 1
  if ! find_rules; then
    tell 'no set of rules reproduces it: the failure may be a matter of luck (try --repeat)'
    return 1
  fi
  if ! find_sites; then
    tell 'it needs these rules everywhere, not at single call sites'
    printf '%s runs\nreproduce with:\n %s\n' "$runs" "$(words ${profile:+"JYTHONSOCK_PROFILE=$profile"} \
      "JYTHONSOCK_RULES=all=off$(printf ',%s=enforce' "${RULES[@]}")" "LD_PRELOAD=$library" "${COMMAND[@]}")"
    return 0
  fi
  if ! find_occurrences; then
    tell 'it needs every occurrence there'
    MINIMAL=("${SITES[@]}")
  fi
  print_result "$(only_of "${MINIMAL[@]}")"
}
