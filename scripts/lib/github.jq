# Workflow commands.  GitHub shows ten warnings a step: the rest goes into one notice.
def data: gsub("%"; "%25") | gsub("\r"; "%0D") | gsub("\n"; "%0A");
def property: data | gsub(":"; "%3A") | gsub(","; "%2C");
def command: "::warning file=\(.path | property)" + (if .line then ",line=\(.line)" else "" end) +
  ",title=\("Jython: " + .rule | property)::\(.message + (if .count > 1 then " (\(.count) times)" else "" end) | data)";
(.findings | sort_by(.new | not)) as $all |
if ($all | length) <= 10 then $all[] | command
else
  ($all[:9][] | command),
  "::notice title=jythonsock::\(($all | length) - 9) more findings:%0A" +
    ([$all[9:][] | "\(.where): \(.message) [\(.rule)]"] | join("\n") | .[:60000] | data)
end
