# jythonsock explain, rules: what the tables say.
# shellcheck shell=bash disable=SC2154 # library, tables and share are set by the launcher

command_explain() {
  need_tables
  (($# == 1)) || fail 'explain takes the name of a rule'
  jq -er --arg rule "$1" '
    .profiles as $profiles | .rules[] | select(.name == $rule) |
    "\(.name)\n",
    "What Jython does\n  \(.text)",
    "What Linux does\n  \(.linux)",
    "Since when\n  \(.since)",
    "Why\n  \(.why)",
    "What to write instead\n  \(.instead)\n",
    (.example | rtrimstr("\n") | split("\n")[] | "    " + .),
    "",
    (. as $r | "Mode: " + ([$profiles[] | "\(.): \($r.modes[.])"] | join(", ")) +
      "; JYTHONSOCK_RULES=\(.name)=off silences it.")' "$tables" ||
    fail "no rule '$1'; the rules are: $(jq -r '[.rules[].name] | join(", ")' "$tables")"
}

command_rules() {
  local profile=${1:-}
  need_tables
  (($# <= 1)) || fail 'rules takes one profile at most'
  jq -er --arg profile "$profile" '
    def pad($n): . + " " * ($n - length);
    (if $profile == "" then .profiles else [.profiles[] | select(. == $profile)] end) as $shown |
    if $shown == [] then empty else
      (("rule" | pad(24)) + ([$shown[] | pad(8)] | join("  ")) + "  what Jython does"),
      (.rules[] | . as $r | (.name | pad(24)) + ([$shown[] | $r.modes[.] | pad(8)] | join("  ")) + "  " + .text)
    end' "$tables" || fail "unknown profile '$profile'; the profiles are: $(jq -r '.profiles | join(", ")' "$tables")"
}
