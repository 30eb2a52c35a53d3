# Report files, line by line (jq -n -R), to one document:
# { findings, processes, events, notes, ignored, torn, suppressed, unused }.
#
# $tables: compat's tables.  $root: paths below it are shown relative to it.
# $native: [{module, offset, file, line, function}] of addr2line.
# $baseline: [fingerprint].  $suppressions: [{rule, path, line, text}].

def table: $tables[0];
def rules: table.rules | map({key: .name, value: .}) | from_entries;

# A template of compat/explain.def, filled in.
def message($rule):
  . as $f |
  ($rule.message // "{call}: not so on Jython {profile}" | split("\n")) as $lines |
  ([$lines[:-1][] | select(startswith($f.call + ": ")) | ltrimstr($f.call + ": ")] + [$lines[-1]])[0] |
  gsub("\\{call\\}"; $f.call) |
  gsub(" \\(\\{arguments\\}\\)"; if $f.arguments then " (\($f.arguments))" else "" end) |
  gsub(" \\{arguments\\}"; if $f.arguments then " \($f.arguments)" else "" end) |
  gsub(" \\(\\{option\\}\\)"; if $f.option then " (\($f.option))" else "" end) |
  gsub("\\{errno\\}"; $f.errno // "an error") |
  gsub("\\{profile\\}"; $f.profile);

# "./a/../b" is "b".
def normal_path:
  split("/") | reduce .[] as $part ([];
    if $part == "." or ($part == "" and length > 0) then .
    elif $part == ".." and length > 0 and .[-1] != ".." and .[-1] != "" then .[:-1]
    else . + [$part] end) | join("/");

def shown_path:
  if startswith($root + "/") then .[($root | length) + 1:] else . end;

def absolute($cwd):
  if . == null or startswith("/") or startswith("<") or $cwd == null then . else $cwd + "/" + . | normal_path end;

# What CPython does for itself is nobody's mistake: socket.__repr__ asks for both names, and
# is called for a warning while the process ends; ssl.py looks at what it is to wrap.
def is_noise:
  ((.stack // [])[:2] | map(split("/")[-1] | sub("[0-9]+ "; "")) |
    any(test("^ssl\\.py:(_create|__init__)$")) and .[0] != "ssl.py:do_handshake") or
  ((.stack[0] // "") | test("/socket\\.py:[0-9]+ __repr__$")) or
  ((.return_addresses // []) | any(test(" PyErr_ResourceWarning$")));

def glob_to_regex:
  gsub("(?<c>[.+^$(){}|\\[\\]\\\\])"; "\\" + .c) |
  gsub("\\?"; "[^/]") | gsub("\\*\\*/"; "\u0002") | gsub("\\*\\*"; "\u0001") | gsub("\\*"; "[^/]*") |
  gsub("\u0001"; ".*") | gsub("\u0002"; "(.*/)?") | "^(.*/)?" + . + "$";

def suppressed_by($f):
  [$suppressions[] | select((.rule == $f.rule or .rule == "*") and
    (.line == null or .line == $f.line) and . as $s | ($f.path | test($s.path | glob_to_regex)))];

def native_place($f):
  if $f.file then $f else
    ([$native[] | select(.module == $f.module and .offset == $f.offset)][0] // {}) as $place |
    $f + {file: $place.file, line: $place.line, function: ($place.function // $f.symbol)}
  end;

# Stable where lines are added above: the rule, the file, the function and what is called.
def fingerprint: [.rule, .path, .function // "", .call, .arguments // ""] | join("|");

# --- reading ---------------------------------------------------------------

def take($line; $file):
  ($file + "#" + ($line.pid | tostring)) as $who |
  if $line.process then
    .generation[$who] += 1 | .cwd[$who] = $line.cwd | .processes += [$line]
  elif $line.rule then
    ($who + "#" + (.generation[$who] // 0 | tostring) + "#" + ($line.id | tostring)) as $key |
    if .raw[$key] then . else .raw[$key] = ($line + {count: 1, cwd: .cwd[$who]}) | .order += [$key] end
  elif $line.count then
    ($who + "#" + (.generation[$who] // 0 | tostring) + "#" + ($line.id | tostring)) as $key |
    if .raw[$key] then .raw[$key].count |= ([., $line.count] | max) else . end
  elif $line.event then .events += [$line + {who: $who}]
  elif $line.note then .notes += [$line]
  else . end;

def read_all:
  reduce inputs as $text ({generation: {}, cwd: {}, raw: {}, order: [], processes: [], events: [], notes: [], torn: 0};
    if ($text | length) == 0 then . else
      ($text | try fromjson catch null) as $line |
      if ($line | type) == "object" then take($line; input_filename // "") else .torn += 1 end
    end);

# --- findings, one for each rule, place and what was called ----------------

def located:
  native_place(.) |
  .file as $file | .cwd as $cwd |
  (if $file then $file | absolute($cwd) | shown_path else null end) as $path |
  . + {path: ($path // .module // "unknown"), line: .line,
       stack: [(.stack // .return_addresses // [])[] | shown_path]} |
  . + {where: (if $file then .path + ":" + (.line | tostring)
               else (.module // "unknown" | split("/")[-1]) + "+" + (.offset // "0x0") end)};

def merged:
  group_by([.where, .rule, .call, .arguments, .errno]) |
  map((sort_by(.time)[0]) + {
    count: (map(.count) | add),
    pids: (map(.pid) | unique),
    tests: (map(.test // empty | sub(" \\((setup|call|teardown)\\)$"; "")) | unique)});

def numbered:
  [group_by(.fingerprint)[] | to_entries[] | .value + {fingerprint: "\(.value.fingerprint)|\(.key)"}];

rules as $rules |
read_all |
. as $all |
[.order[] as $key | $all.raw[$key]] |
(map(select(is_noise)) | length) as $ignored |
[.[] | select(is_noise | not) | located] | merged |
map(. + {message: message($rules[.rule]), cwd: null} | . + {fingerprint: fingerprint} | del(.id, .cwd)) |
sort_by(.path, .line // 0, .time) | numbered |
map(. as $f | . + {new: ($baseline | index($f.fingerprint) == null), suppressions: suppressed_by($f)}) |
sort_by(.path, .line // 0, .time) |
{
  findings: map(select(.suppressions == []) | del(.suppressions)),
  suppressed: map(select(.suppressions != [])) | length,
  unused: ((map(.suppressions[].text) | unique) as $used | [$suppressions[] | select(.text as $t | $used | index($t) | not)]),
  ignored: $ignored,
  processes: $all.processes, events: $all.events, notes: $all.notes, torn: $all.torn
}
