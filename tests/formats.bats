#!/usr/bin/env bats
# Every format of the report, made from one report file.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of findings.bash

load findings

bats_require_minimum_version 1.5.0

setup() {
  findings_setup
  options_program
  JYTHONSOCK_EVENTS=1 shim "$PYTHON" options.py >/dev/null
}

teardown() {
  programs_teardown
}

convert() {
  run "$JYTHONSOCK" report "$@" "$REPORT"
  assert_success
}

@test "text: file, line, severity, message and rule, as compilers do" {
  convert text
  assert_line --regexp '^options\.py:4: warning: .* \[unsupported-option\]( \(12 times\))?$'
  [[ $(grep -cvE '^[^:]+:[0-9]+: (warning|note): ' <<<"$output") == 0 ]]
}

@test "json: one document with counts, and paths relative to the root" {
  convert json
  [[ $(jq -r '.findings | map("\(.where) \(.rule) \(.count)") | join(", ")' <<<"$output") == \
    'options.py:4 unsupported-option 12, options.py:6 introspection-option 12, options.py:8 deferred-bind 12' ]]
}

@test "shards and processes are merged: counts add up, one finding a place" {
  JYTHONSOCK_REPORT=$PWD/other shim "$PYTHON" options.py >/dev/null
  run "$JYTHONSOCK" report json "$REPORT" other
  [[ $(jq -r '.findings | map(.count) | unique | join(",")' <<<"$output") == 24 ]]
  [[ $(jq -r '.findings | length' <<<"$output") == 3 ]]
}

@test "github: warnings with file and line, escaped, ten at most" {
  convert github
  assert_line --regexp '^::warning file=options\.py,line=8,title=Jython%3A deferred-bind::getsockname before listen'
  program many.py <<'END'
import socket
s = socket.socket()
code = "\n".join("s.getsockopt(1, 4)" for i in range(30))
exec(compile(code, "a,b:100%.py", "exec"))
END
  : >"$REPORT"
  shim "$PYTHON" many.py
  convert github
  [[ $(grep -c '^::warning' <<<"$output") == 9 && $(grep -c '^::notice' <<<"$output") == 1 ]]
  assert_line --regexp '^::warning file=a%2Cb%3A100%25\.py,line=1,'
  [[ $(wc -l <<<"$output") == 10 ]]
}

# valid SCHEMA FILE: a JSON file is what its schema wants.
valid() {
  local schema=$1 file=$2
  "$PYTHON" -c 'import jsonschema' || skip 'python3-jsonschema is not installed'
  "$PYTHON" -W ignore -m jsonschema -i "$file" "$ROOT/tests/data/$schema"
}

@test "sarif: valid against the standard's schema, with findings or without" {
  cp options.py 'a b%c.py'
  shim "$PYTHON" 'a b%c.py' >/dev/null
  "$JYTHONSOCK" baseline "$REPORT" >known
  "$JYTHONSOCK" report sarif "$REPORT" >report.sarif
  valid sarif-2.1.0.json report.sarif
  [[ $(jq '.runs[0].results | length' report.sarif) == 6 ]]
  [[ $(jq -r '[.runs[0].results[].locations[0].physicalLocation.artifactLocation.uri] | unique | join(" ")' report.sarif) == 'a%20b%25c.py options.py' ]]
  "$JYTHONSOCK" report sarif --baseline known "$REPORT" >report.sarif
  valid sarif-2.1.0.json report.sarif
  [[ $(jq -r '[.runs[0].results[].baselineState] | unique | join(" ")' report.sarif) == unchanged ]]
  "$JYTHONSOCK" report sarif /dev/null >report.sarif
  valid sarif-2.1.0.json report.sarif
  jq '.runs[0].results = [{ruleId: 1}]' report.sarif >broken.sarif
  run valid sarif-2.1.0.json broken.sarif
  assert_failure
}

@test "sarif: rules, places and fingerprints fit together" {
  "$JYTHONSOCK" report sarif "$REPORT" >report.sarif
  [[ $(jq -r '.runs[0] | (.tool.driver.rules | length) > 30, ([.results[] | . as $r | $r.ruleIndex] | length == 3)' report.sarif | sort -u) == true ]]
  [[ $(jq -r '.runs[0] as $run | $run.results[] | $run.tool.driver.rules[.ruleIndex].id == .ruleId' report.sarif | sort -u) == true ]]
  [[ $(jq -r '.runs[0].results[2].locations[0].physicalLocation | .artifactLocation.uri, .artifactLocation.uriBaseId, .region.startLine' report.sarif |
    paste -sd ' ') == 'options.py SRCROOT 8' ]]
  [[ $(jq -r '[.runs[0].results[].partialFingerprints["jythonsock/v1"]] | unique | length' report.sarif) == 3 ]]
  if [[ -x ${SARIF_MULTITOOL:-} ]]; then # Microsoft's validator, where somebody has it
    run env DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$SARIF_MULTITOOL" validate report.sarif --rule-kind 'Sarif;Ghas'
    refute_output --partial ': error '
  fi
}

@test "sarif: fingerprints do not change where lines are added above" {
  convert sarif
  jq '[.runs[0].results[].partialFingerprints]' <<<"$output" >before
  sed -i '1i # one more line' options.py
  : >"$REPORT"
  shim "$PYTHON" options.py >/dev/null
  convert sarif
  diff before <(jq '[.runs[0].results[].partialFingerprints]' <<<"$output")
}

@test "junit: valid against the schema of Jenkins, as many failures as it says" {
  requires xmllint
  program $'<&"\x01\'>.py' <options.py
  shim "$PYTHON" $'<&"\x01\'>.py' >/dev/null
  "$JYTHONSOCK" report junit "$REPORT" >report.xml
  run -0 xmllint --noout --schema "$ROOT/tests/data/jenkins-junit.xsd" report.xml
  "$PYTHON" - report.xml <<'END'
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
failures = suite.findall("testcase/failure")
assert len(failures) == int(suite.get("failures")) == 6, failures
assert len(suite.findall("testcase")) == int(suite.get("tests")) > 30
assert any("options.py:8" in f.text for f in failures)
END
  sed 's/<testsuite /&colour="red" /' report.xml >broken.xml
  run ! xmllint --noout --schema "$ROOT/tests/data/jenkins-junit.xsd" broken.xml
}

@test "summary: rules with places and occurrences" {
  convert summary
  assert_line '3 findings in 1 file, 1 process'
  assert_line --regexp '^  deferred-bind +1 place, 12 occurrences$'
}

@test "html: one page that loads nothing, with excerpts and the lives of sockets" {
  program '<script>.py' <<'END'
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.getsockname(); s.listen(1); s.close() # </script><script>alert(1)</script>
END
  JYTHONSOCK_EVENTS=1 shim "$PYTHON" '<script>.py'
  convert html
  printf '%s\n' "$output" >report.html
  refute_output --regexp '(src|href)="?https?:'
  [[ $(grep -c '</script>' report.html) == 2 ]]
  sed -n 's/^<script type="application\/json" id="data">\(.*\)<\/script>$/\1/p' report.html >data
  [[ $(jq -r '.sources["options.py:4"][] | select(.number == 4) | .text' data) == *setsockopt* ]]
  [[ $(jq -r '[.events[].event] | unique | join(" ")' data) == 'bind close listen socket' ]]
  [[ $(jq -r '.rules | length > 30' data) == true ]]
}

@test "html: the page shows its data in a browser" {
  requires chromium
  "$JYTHONSOCK" report html "$REPORT" >report.html
  run timeout 50 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --dump-dom "file://$PWD/report.html"
  refute_output --partial "[object "
  assert_output --partial '<b class="mono">options.py:8</b>'
  assert_output --partial 'class="dot"'
}

@test "a report with a torn line and nonsense is read, and says so" {
  printf '{"rule":"deferred-bi' >>"$REPORT"
  convert summary
  assert_line --partial '1 line cut short'
}

@test "what CPython asks for its own messages is no finding" {
  : >"$REPORT"
  shim "$PYTHON" -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
repr(s)'
  [[ $(ask '[.[] | select(.rule)] | length > 0') == true ]]
  convert text
  assert_output ''
}

@test "what CPython's ssl module asks of a socket is no finding" {
  : >"$REPORT"
  shim "$PYTHON" -c 'import socket, ssl
context = ssl.create_default_context()
context.check_hostname = False
context.wrap_socket(socket.socket())
server = socket.create_server(("127.0.0.1", 0))
s = socket.create_connection(server.getsockname())
context.wrap_socket(s, do_handshake_on_connect=False)'
  [[ $(ask '[.[] | select(.rule) | .rule] | index("introspection-option") != null') == true ]]
  convert text
  assert_output ''
}
