# jythonsock run: a program under the shim, and what became of it.
# shellcheck shell=bash disable=SC2154 # library, tables and share are set by the launcher

# read_run_options ARG...: sets the caller's variables; COMMAND is what is left.
read_run_options() {
  while (($#)); do
    case $1 in
    --profile | --rules | --format | --output | --keep | --baseline | --suppressions | --fail-on | --error-exitcode)
      (($# > 1)) || fail "$1 needs a value"
      ;;&
    --profile) profile=$2 && shift ;;
    --observe) observe=1 ;;
    --rules) rules=$2 && shift ;;
    --format) format=$2 && shift ;;
    --output) output=$2 && shift ;;
    --keep) keep=$2 && shift ;;
    --baseline) baseline=$2 && shift ;;
    --suppressions) list=$2 && shift ;;
    --fail-on) fail_on=$2 && shift ;;
    --error-exitcode) error_status=$2 && shift ;;
    -q | --quiet) quiet=1 ;;
    --)
      shift
      break
      ;;
    -*) fail "unknown option $1 of run; see jythonsock --help" ;;
    *) break ;;
    esac
    shift
  done
  COMMAND=("$@")
}

check_run_options() {
  ((${#COMMAND[@]})) || fail 'run needs a command: jythonsock run [OPTION]... -- CMD ARG...'
  is_format "$format" || fail "unknown format '$format'; the formats are: text json github sarif junit html summary"
  [[ $fail_on =~ ^(never|new|any|)$ ]] || fail "--fail-on takes never, new or any, not '$fail_on'"
  [[ $error_status =~ ^[0-9]+$ && $error_status -le 255 ]] || fail "--error-exitcode takes a number up to 255, not '$error_status'"
  [[ -z $baseline || -r $baseline ]] || fail "cannot read the baseline $baseline"
  [[ -n $list || ! -r .jythonsock ]] || list=.jythonsock
  [[ -z $list || -r $list ]] || fail "cannot read the suppressions $list"
  [[ $(suppressions "$list" 2>/dev/null) ]] || fail "$(suppressions "$list" 2>&1 >/dev/null | sed 's/^jq: error[^:]*: //')"
  [[ -r $library ]] || fail "no $library; run make, or set JYTHONSOCK_LIBRARY"
  [[ $library != *[\ :]* ]] || fail "LD_PRELOAD cannot carry the blank or colon in $library"
  [[ -z $output ]] || : >"$output" || fail "cannot write $output"
}

# check_settings: a setting that the library refuses is our usage error, said once.
check_settings() {
  local complaint
  complaint=$(env "${SETTINGS[@]}" "$(type -P true)" 2>&1)
  (($? == 125)) && fail "${complaint#jythonsock: }"
}

# ignored_signals: those of INT and QUIT that we were told to ignore.
default_signals() {
  local mask names=()
  mask=$((16#$(awk '/^SigIgn/ { print $2 }' /proc/self/status)))
  ((mask & 1 << 1)) || names+=(INT)
  ((mask & 1 << 2)) || names+=(QUIT)
  local IFS=,
  printf '%s' "${names[*]}"
}

# progress FILE: a line on a terminal, for runs of more than some seconds.
progress() {
  local file=$1 seconds=0
  [[ -t 2 && -z ${quiet:-} ]] || return 0
  sleep 5 # not to wait for something: short runs need no progress
  while :; do
    printf '\r\e[Kjythonsock: %d findings so far, %d s' "$(grep -c '"rule":' "$file")" $((seconds + 5)) >&2
    sleep 1
    seconds=$((seconds + 1))
  done
}

# run_child FILE: COMMAND with SETTINGS; sets child and status.  In the background, so that
# signals meant for it can be passed on; bash would make it deaf to INT and QUIT.
run_child() {
  local file=$1 signals watcher=''
  signals=$(default_signals)
  if [[ -t 2 && -z ${quiet:-} ]]; then
    progress "$file" &
    watcher=$!
  fi
  env ${signals:+"--default-signal=$signals"} "${SETTINGS[@]}" "${COMMAND[@]}" <&0 &
  child=$!
  trap 'kill -TERM "$child" 2>/dev/null' TERM
  trap 'kill -HUP "$child" 2>/dev/null' HUP
  trap : INT QUIT
  { wait "$child"; } 2>/dev/null # bash would tell of its death
  status=$?
  while kill -0 "$child" 2>/dev/null; do # a signal to us ended the wait
    { wait "$child"; } 2>/dev/null
    status=$?
  done
  trap - TERM HUP INT QUIT
  if [[ -n $watcher ]]; then
    kill "$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null
    printf '\r\e[K' >&2
  fi
}

# check_loaded FILE: is there a first line of the program itself?
check_loaded() {
  local file=$1 path reason last
  path=$(type -P "${COMMAND[0]}") || return 0
  path=$(realpath "$path")
  last=$(jq -R -r --argjson pid "$child" 'fromjson? | select(.process and .pid == $pid) | .process' "$file" | tail -n 1)
  if [[ $last == "$path" ]]; then
    ! is_go "$path" || say "the shim was loaded into ${COMMAND[0]}, but does not see its calls: $(unreached "$path")"
  elif reason=$(unreached "$path"); then
    say "the shim was not loaded into ${COMMAND[0]}: $reason"
  elif [[ -z $last ]] && ((status != 126 && status != 127)); then
    say "the shim was not loaded into ${COMMAND[0]}; see jythonsock doctor ${COMMAND[0]}"
  fi
}

# verdict DOCUMENT: the exit status.
verdict() {
  local document=$1 count=0
  case $fail_on in
  any) count=$(jq '.findings | length' "$document") ;;
  new) count=$(jq '[.findings[] | select(.new)] | length' "$document") ;;
  esac
  if ((status == 0 && count > 0)); then
    say "$count findings fail the run"
    return "$error_status"
  fi
  return "$status"
}

# foreign_rules: ",rule=off" for each rule that this profile does not have.
foreign_rules() {
  jq -r --arg profile "${profile:-${JYTHONSOCK_PROFILE:-}}" '
    (if $profile == "" then .profiles[0] else $profile end) as $p |
    [.rules[] | select(.modes[$p] == "off") | ",\(.name)=off"] | join("")' "$tables"
}

run_settings() {
  SETTINGS=("LD_PRELOAD=$library${LD_PRELOAD:+:$LD_PRELOAD}" "JYTHONSOCK_REPORT=$1")
  [[ -z $profile ]] || SETTINGS+=("JYTHONSOCK_PROFILE=$profile")
  if [[ -n $observe ]]; then
    SETTINGS+=("JYTHONSOCK_RULES=all=report$(foreign_rules)${rules:+,$rules}")
  elif [[ -n $rules ]]; then
    SETTINGS+=("JYTHONSOCK_RULES=$rules")
  fi
  [[ $format != html && $format != json ]] || SETTINGS+=("JYTHONSOCK_EVENTS=1")
}

command_run() {
  local profile='' observe='' rules='' format=text output='' keep='' baseline='' list='' fail_on='' error_status=1
  local quiet='' child status work document
  local -a COMMAND SETTINGS
  read_run_options "$@"
  need_tables
  check_run_options
  [[ -n $fail_on ]] || fail_on=$([[ -n $baseline ]] && echo new || echo never)
  work=$(mktemp -d) || fail 'no temporary directory'
  # shellcheck disable=SC2064  # now
  trap "rm -rf '$work'" EXIT
  chmod 755 "$work" # a program may change its user
  : >"$work/findings"
  chmod 666 "$work/findings"
  run_settings "$work/findings"
  check_settings
  : >"$work/findings"
  run_child "$work/findings"
  check_loaded "$work/findings"
  [[ -z $keep ]] || cp "$work/findings" "$keep" || say "cannot write $keep"
  document=$work/document
  if ! collect "$baseline" "$list" "$work/findings" >"$document"; then
    say 'the report could not be made'
    return "$status"
  fi
  finish_report "$document"
  verdict "$document"
}

finish_report() {
  local document=$1 have_baseline
  have_baseline=$([[ -n $baseline ]] && echo true || echo false)
  if [[ -n $output ]]; then
    render "$format" "$document" "$have_baseline" >"$output" || say "cannot write $output"
  else
    render "$format" "$document" "$have_baseline" >&2
  fi
  if [[ $format == text && -z $quiet ]]; then
    render summary "$document" "$have_baseline" | sed 's/^/jythonsock: /' >&2
  fi
}
