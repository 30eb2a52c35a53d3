# SARIF 2.1.0.  Paths are relative to the root of the repository.
def uri: split("/") | map(@uri) | join("/");
def artifact: if startswith("/") then {uri: ("file://" + uri)} else {uri: uri, uriBaseId: "SRCROOT"} end;
def location($file; $line; $function):
  {physicalLocation: ({artifactLocation: ($file | artifact)} + (if $line then {region: {startLine: $line}} else {} end))} +
  (if $function then {logicalLocations: [{name: $function, kind: "function"}]} else {} end);
def frame:
  capture("^(?<file>.*):(?<line>[0-9]+) (?<function>.*)$") // null |
  if . then {location: location(.file; .line | tonumber; .function)} else empty end;

. as $doc | $tables[0].rules as $rules |
{
  "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
  version: "2.1.0",
  runs: [{
    tool: {driver: ({
      name: "jythonsock",
      rules: [$rules[] | {
        id: .name,
        shortDescription: {text: .text},
        fullDescription: {text: "\(.why) Linux: \(.linux). Jython (\(.since)): \(.text)."},
        help: {text: "\(.instead)\n\n\(.example)", markdown: "\(.instead)\n\n```python\n\(.example)```\n"},
        defaultConfiguration: {level: "warning"}}]
    } + (if ($doc.processes[0].version // "unknown") == "unknown" then {} else {version: $doc.processes[0].version} end))},
    originalUriBaseIds: {SRCROOT: {uri: ("file://" + ($root | uri) + "/")}},
    columnKind: "utf16CodeUnits",
    results: [$doc.findings[] | . as $f | {
      ruleId: .rule,
      ruleIndex: ([$rules[].name] | index($f.rule)),
      level: "warning",
      message: {text: .message},
      locations: [location(.path; .line; .function)],
      partialFingerprints: {"jythonsock/v1": .fingerprint},
      occurrenceCount: .count,
      baselineState: (if .new then "new" else "unchanged" end),
      properties: ({mode, profile, call, arguments, linux, jython, tests} | with_entries(select(.value != null)))
    } + (if ([.stack[] | frame] | length) > 0 then {stacks: [{frames: [.stack[] | frame]}]} else {} end)
      | if $have_baseline then . else del(.baselineState) end]
  }]
}
