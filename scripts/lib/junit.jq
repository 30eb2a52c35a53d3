# One suite, one test case for each rule: a failure for each finding of it.  Attributes and
# elements are those that both the schema of Jenkins and that of Ant know.
def escape: gsub("[\u0000-\u0008\u000b\u000c\u000e-\u001f]"; "?") | @html | gsub("\n"; "&#10;");
def attribute: escape;
. as $doc |
([$tables[0].rules[] | .name] | map(. as $rule | {rule: $rule, findings: [$doc.findings[] | select(.rule == $rule)]})) as $cases |
([$doc.processes[].time] | min // 0 | floor | strftime("%Y-%m-%dT%H:%M:%S")) as $time |
[
  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
  "<testsuites>",
  "  <testsuite name=\"jythonsock\" package=\"jythonsock\" id=\"0\" tests=\"\($cases | map([(.findings | length), 1] | max) | add)\" failures=\"\($doc.findings | length)\" errors=\"0\" time=\"0\" timestamp=\"\($time)\" hostname=\"localhost\">",
  "    <properties><property name=\"profile\" value=\"\($doc.processes[0].profile // "" | attribute)\"/></properties>",
  ($cases[] |
    if .findings == [] then "    <testcase classname=\"jythonsock\" name=\"\(.rule)\" time=\"0\"/>"
    else .findings[] |
      "    <testcase classname=\"jythonsock.\(.rule)\" name=\"\("\(.where) \(.call)" | attribute)\" time=\"0\">",
      "      <failure message=\"\(.message | attribute)\" type=\"\(.rule)\">\("\(.where): \(.message)\nLinux: \(.linux)\nJython: \(.jython)\ncount: \(.count)\n" + (.stack | join("\n")) | escape)</failure>",
      "    </testcase>"
    end),
  "    <system-out/>",
  "    <system-err/>",
  "  </testsuite>",
  "</testsuites>"
] | .[]
