# gcc's style: file:line: warning: message [rule]
.findings[] |
"\(.where): warning: \(.message) [\(.rule)]" +
  (if .count > 1 then " (\(.count) times)" else "" end) +
  (if (.tests | length) > 0 then "\n\(.where): note: in \(.tests[:3] | join(", "))\(if (.tests | length) > 3 then ", …" else "" end)" else "" end)
