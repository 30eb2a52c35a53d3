# How much of what, and where.
def times($n; $word): "\($n) \($word)\(if $n == 1 then "" else "s" end)";
def width($n): . + (if length < $n then " " * ($n - length) else "" end);
"\(times(.findings | length; "finding")) in \(times([.findings[].path] | unique | length; "file")), " +
  (.processes | map(.pid) | unique | length | "\(.) process\(if . == 1 then "" else "es" end)") +
  (if .suppressed > 0 then ", \(.suppressed) suppressed" else "" end) +
  (if $have_baseline then ", \([.findings[] | select(.new)] | length) new" else "" end),
(.findings | group_by(.rule) | sort_by(-length)[] |
  "  \(.[0].rule | width(24)) \(times(length; "place")), \(times(map(.count) | add; "occurrence"))"),
(.notes | map(select(.note != null)) | unique_by(.text)[] | "  note: \(.note): \(.text)"),
(if .torn > 0 then "  note: \(times(.torn; "line")) cut short (a full disk?)" else empty end),
(.unused[] | "  note: suppression never used: \(.text)")
