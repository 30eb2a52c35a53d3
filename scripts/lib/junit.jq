# One suite, one test case for each rule: a failure for each finding of it.
def escape: gsub("[\u0000-\u0008\u000b\u000c\u000e-\u001f]"; "?") | @html | gsub("\n"; "&#10;");
def attribute: escape;
. as $doc |
([$tables[0].rules[] | .name] | map(. as $rule | {rule: $rule, findings: [$doc.findings[] | select(.rule == $rule)]})) as $cases |
[
  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
  "<testsuites name=\"jythonsock\" tests=\"\($cases | map([(.findings | length), 1] | max) | add)\" failures=\"\($doc.findings | length)\" errors=\"0\" time=\"0\">",
  "  <testsuite name=\"jythonsock\" tests=\"\($cases | map([(.findings | length), 1] | max) | add)\" failures=\"\($doc.findings | length)\" errors=\"0\" skipped=\"0\" time=\"0\">",
  ($cases[] |
    if .findings == [] then "    <testcase classname=\"jythonsock\" name=\"\(.rule)\" time=\"0\"/>"
    else .findings[] |
      "    <testcase classname=\"jythonsock.\(.rule)\" name=\"\("\(.where) \(.call)" | attribute)\" file=\"\(.path | attribute)\"\(if .line then " line=\"\(.line)\"" else "" end) time=\"0\">",
      "      <failure message=\"\(.message | attribute)\" type=\"\(.rule)\">\("\(.where): \(.message)\nLinux: \(.linux)\nJython: \(.jython)\ncount: \(.count)\n" + (.stack | join("\n")) | escape)</failure>",
      "    </testcase>"
    end),
  "  </testsuite>",
  "</testsuites>"
] | .[]
