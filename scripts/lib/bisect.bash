command_bisect() { fail "not yet"; }
