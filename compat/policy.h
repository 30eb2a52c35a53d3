/* The policy of a process: a profile and one mode for each rule.  Written once
 * at start by policy_set_profile and policy_override, constant afterwards. */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>

enum mode { OFF, REPORT, ENFORCE };

enum profile {
#define PROFILE(id, name) id,
#include "rules.def"
#undef PROFILE
	PROFILES
};

enum rule {
#define RULE(id, name, modes, text) id,
#include "rules.def"
#undef RULE
	RULES,
	NO_RULE = RULES
};

/* The values of compat/traits.def for one profile. */
struct traits {
#define TRAIT(name, values, meaning) int name;
#include "traits.def"
#undef TRAIT
};

struct policy {
	enum profile profile;
	unsigned char mode[RULES + 1]; /* enum mode; the last one, NO_RULE, is OFF */
	bool chosen[RULES + 1]; /* by the user, not by the profile */
	struct traits traits;
};

extern struct policy policy;

/* Take a profile by its outside name ("2.5.3"); all modes become its defaults.
 * Returns false, and changes nothing, if there is no such profile. */
bool policy_set_profile(const char *name);

/* Apply "rule=mode,rule=mode"; "all" names every rule, later entries win.
 * Returns NULL, or what was wrong in words of `reason` (size bytes). */
const char *policy_override(const char *text, char *reason, size_t size);

/* Nobody will read reports: report becomes off. */
void policy_silence(void);

/* Outside names. */
const char *profile_name(enum profile profile);
const char *rule_name(enum rule rule);
const char *rule_text(enum rule rule);
const char *mode_name(enum mode mode);

static inline enum mode rule_mode(enum rule rule)
{
	return (enum mode)policy.mode[rule];
}

/* Does the policy want anything to be done or said about this rule? */
static inline bool rule_active(enum rule rule)
{
	return policy.mode[rule] != OFF;
}

#endif
