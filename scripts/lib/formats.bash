# From report files to a format: jythonsock report, baseline, and the end of run.
# shellcheck shell=bash disable=SC2154 # library, tables and share are set by the launcher

# repository_root: paths are shown relative to it.
repository_root() {
  git rev-parse --show-toplevel 2>/dev/null || pwd
}

# native_places FILE...: [{module, offset, file, line, function}], asked of addr2line.
native_places() {
  local module offsets
  type -P addr2line >/dev/null || {
    printf '[]'
    return
  }
  jq -R -r 'fromjson? | select(.rule and .module and .offset) | "\(.module)\t\(.offset)"' "$@" | sort -u |
    while IFS=$'\t' read -r module offsets; do
      [[ -r $module ]] || continue
      paste <(printf '%s\t%s\n' "$module" "$offsets") \
        <(addr2line -f -C -e "$module" "$offsets" 2>/dev/null | paste -s)
    done |
    jq -R -s '[split("\n")[] | select(. != "") | split("\t") | (.[3] // "?" | split(" ")[0] | capture("^(?<file>.*):(?<line>[0-9]+)$")? // null) as $p |
      select($p and $p.file != "??" and $p.line != "0") |
      {module: .[0], offset: .[1], function: .[2], file: $p.file, line: ($p.line | tonumber)}]'
}

# suppressions FILE: [{rule, path, line, text}]; lines are rule:path-glob[:line] # reason
suppressions() {
  local file=$1
  [[ -n $file ]] || {
    printf '[]'
    return
  }
  jq -R -s --arg file "$file" '[split("\n") | to_entries[] | (.value | sub("(^|\\s)#.*$"; "") | sub("\\s+$"; "")) as $entry |
    select($entry != "") |
    ($entry | capture("^(?<rule>[a-z*-]+):(?<path>.+?)(:(?<line>[0-9]+))?$") // error("\($file):\(.key + 1): not of the form rule:path[:line]: \($entry)")) +
      {text: $entry} | .line |= (if . then tonumber else null end)]' "$file"
}

# collect BASELINE SUPPRESSIONS FILE...: the document that every format starts from.
collect() {
  local baseline=$1 list=$2 native known='[]' hidden
  shift 2
  native=$(native_places "$@") || return
  hidden=$(suppressions "$list") || return
  if [[ -n $baseline ]]; then
    known=$(jq -e '.fingerprints' "$baseline") || return
  fi
  jq -n -R --slurpfile tables "$tables" --arg root "$(repository_root)" --argjson native "$native" \
    --argjson baseline "$known" --argjson suppressions "$hidden" -f "$share/findings.jq" "$@"
}

# sources: the lines around each finding, from the files that can be read.
sources() {
  local document=$1 path line root
  root=$(repository_root)
  jq -r '[.findings[] | select(.line) | "\(.path)\t\(.line)"] | unique[]' "$document" |
    while IFS=$'\t' read -r path line; do
      [[ $path == /* ]] || path=$root/$path
      [[ -f $path && -r $path ]] || continue
      awk -v line="$line" 'NR >= line - 3 && NR <= line + 3 { printf "%s\t%d\t%d\t%s\n", FILENAME, line, NR, $0 } NR > line + 3 { exit }' "$path"
    done |
    jq -R -s --arg root "$root/" '[split("\n")[] | select(. != "") | split("\t") |
      {key: "\(.[0] | ltrimstr($root)):\(.[1])", number: (.[2] | tonumber), text: (.[3:] | join("\t"))}] |
      group_by(.key) | map({key: .[0].key, value: map({number, text})}) | from_entries'
}

# render FORMAT DOCUMENT HAVE_BASELINE: to standard output.
render() {
  local format=$1 document=$2 have_baseline=$3
  local -a options=(-r --slurpfile tables "$tables" --arg root "$(repository_root)" --argjson have_baseline "$have_baseline")
  case $format in
  json) jq . "$document" ;;
  text) jq "${options[@]}" -f "$share/text.jq" "$document" ;;
  sarif) jq "${options[@]}" -f "$share/sarif.jq" "$document" ;;
  html) render_html "$document" ;;
  github | junit | summary) jq "${options[@]}" -f "$share/$format.jq" "$document" ;;
  esac
}

render_html() {
  local document=$1 data
  data=$(jq -c --slurpfile tables "$tables" --argjson sources "$(sources "$document")" \
    '. + {rules: $tables[0].rules, sources: $sources}' "$document" | sed 's/<\//<\\\//g; s/<!--/<\\u0021--/g') || return
  while IFS= read -r line; do
    if [[ $line == *@DATA@* ]]; then
      printf '%s' "${line%%@DATA@*}" "$data" "${line#*@DATA@}"
      printf '\n'
    else
      printf '%s\n' "$line"
    fi
  done <"$share/report.html"
}

is_format() {
  [[ $1 =~ ^(text|json|github|sarif|junit|html|summary)$ ]]
}

# readable_files FILE...
readable_files() {
  local file
  (($#)) || fail 'no report file given'
  for file; do
    [[ -r $file && ! -d $file ]] || fail "cannot read $file"
  done
}

command_report() {
  local format=${1:-} baseline='' list='' document
  need_tables
  is_format "$format" || fail "unknown format '$format'; the formats are: text json github sarif junit html summary"
  shift
  while [[ ${1:-} == --* ]]; do
    case $1 in
    --baseline) baseline=${2:?} ;;
    --suppressions) list=${2:?} ;;
    *) fail "unknown option $1 of report" ;;
    esac
    shift 2
  done
  readable_files "$@" ${baseline:+"$baseline"} ${list:+"$list"}
  document=$(mktemp) || fail 'no temporary file'
  # shellcheck disable=SC2064  # now
  trap "rm -f '$document'" EXIT
  collect "$baseline" "$list" "$@" >"$document" || fail 'the report could not be made'
  render "$format" "$document" "$([[ -n $baseline ]] && echo true || echo false)"
}

command_baseline() {
  need_tables
  readable_files "$@"
  collect '' '' "$@" | jq '{fingerprints: [.findings[].fingerprint] | sort, note: "written by jythonsock baseline"}'
}
