#!/usr/bin/env bats
# The analysers, as one test.

load helper

@test "compilers, analysers and shellcheck have nothing to say, and the README's table is the tables'" {
  run "$ROOT/scripts/check"
  printf '%s\n' "$output"
  [[ $status -eq 0 && -z $output ]]
}

@test "the exported data path stays within its count of instructions" {
  # Counts, not times: the same on every run.  24 on a tracked socket, 12 on any other fd.
  run "$ROOT/scripts/bench-instructions"
  printf '%s\n' "$output"
  [[ $status -eq 0 ]]
  awk '$1 != "write" && $2 == "tracked" && $5 > 24 { bad = 1 }
       $2 == "untracked" && $5 > 12 { bad = 1 }
       END { exit bad || NR != 9 }' <<<"$output"
}
