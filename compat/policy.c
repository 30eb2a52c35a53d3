/* Tables of rules, modes and profiles, and the parser of overrides. */
#include "policy.h"

#include "decide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UNWRAP(...) __VA_ARGS__

#define PROFILE(id, name) name,
static const char *const profile_names[PROFILES] = {
#include "rules.def"
};
#undef PROFILE

static const struct {
	const char *name, *text;
	unsigned char mode[PROFILES];
} rules[RULES] = {
#define RULE(id, name, modes, text) { name, text, { UNWRAP modes } },
#include "rules.def"
#undef RULE
};

#define RULE(id, name, modes, text) \
	_Static_assert(sizeof((char[]){ UNWRAP modes }) == PROFILES, name ": one mode for each profile");
#include "rules.def"
#undef RULE

#define TRAIT(name, values, meaning) \
	_Static_assert(sizeof((int[]){ UNWRAP values }) == PROFILES * sizeof(int), #name ": one value for each profile");
#include "traits.def"
#undef TRAIT

static const char *const mode_names[] = { [OFF] = "off", [REPORT] = "report", [ENFORCE] = "enforce" };

struct policy policy;

bool policy_set_profile(const char *name)
{
	for (int profile = 0; profile < PROFILES; profile++) {
		if (strcmp(name, profile_names[profile]) != 0)
			continue;
		policy.profile = (enum profile)profile;
		for (int rule = 0; rule < RULES; rule++)
			policy.mode[rule] = rules[rule].mode[profile];
#define TRAIT(trait, values, meaning) policy.traits.trait = ((const int[]){ UNWRAP values })[profile];
#include "traits.def"
#undef TRAIT
		return true;
	}
	return false;
}

static int rule_find(const char *name, size_t length)
{
	for (int rule = 0; rule < RULES; rule++)
		if (strlen(rules[rule].name) == length && strncmp(name, rules[rule].name, length) == 0)
			return rule;
	return -1;
}

static int mode_find(const char *name, size_t length)
{
	for (int mode = OFF; mode <= ENFORCE; mode++)
		if (strlen(mode_names[mode]) == length && strncmp(name, mode_names[mode], length) == 0)
			return mode;
	return -1;
}

static const char *unknown_rule(const char *name, size_t length, char *reason, size_t size)
{
	int used = snprintf(reason, size, "unknown rule '%.*s'; the rules are: all", (int)length, name);

	for (int rule = 0; rule < RULES && used > 0 && (size_t)used < size; rule++)
		used += snprintf(reason + used, size - (size_t)used, ", %s", rules[rule].name);
	return reason;
}

const char *policy_override(const char *text, char *reason, size_t size)
{
	while (*text) {
		size_t entry = strcspn(text, ",");
		size_t name = strcspn(text, "=,");
		int rule, mode;

		if (name == entry) {
			snprintf(reason, size, "'%.*s' is not of the form rule=mode", (int)entry, text);
			return reason;
		}
		rule = rule_find(text, name);
		if (rule < 0 && !(name == 3 && strncmp(text, "all", 3) == 0))
			return unknown_rule(text, name, reason, size);
		mode = mode_find(text + name + 1, entry - name - 1);
		if (mode < 0) {
			snprintf(reason, size, "unknown mode '%.*s' for %.*s; the modes are: enforce, report, off",
				 (int)(entry - name - 1), text + name + 1, (int)name, text);
			return reason;
		}
		if (rule >= 0)
			policy.mode[rule] = (unsigned char)mode;
		else
			memset(policy.mode, mode, RULES);
		memset(policy.chosen + (rule >= 0 ? rule : 0), true, rule >= 0 ? 1 : RULES);
		text += entry;
		if (*text == ',')
			text++;
	}
	return NULL;
}

void policy_silence(void)
{
	for (int rule = 0; rule < RULES; rule++)
		if (policy.mode[rule] == REPORT)
			policy.mode[rule] = OFF;
}

const char *profile_name(enum profile profile)
{
	return profile_names[profile];
}

const char *rule_name(enum rule rule)
{
	return rules[rule].name;
}

const char *rule_text(enum rule rule)
{
	return rules[rule].text;
}

const char *mode_name(enum mode mode)
{
	return mode_names[mode];
}
