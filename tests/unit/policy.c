/* The settings' parser and the table of modes. */
#undef NDEBUG
#include "policy.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char reason[2048];

static bool refused(const char *text, const char *part)
{
	const char *why = policy_override(text, reason, sizeof reason);

	return why && strstr(why, part);
}

static void profiles(void)
{
	assert(policy_set_profile("2.5"));
	assert(rule_mode(ZERO_TIMEOUT) == ENFORCE && rule_mode(SELECT_BLOCKING) == REPORT && rule_mode(RECONNECT) == OFF);
	assert(policy.traits.default_backlog == 50);
	assert(policy_set_profile("2.5.3"));
	assert(rule_mode(ZERO_TIMEOUT) == OFF && rule_mode(SELECT_BLOCKING) == ENFORCE);
	assert(policy_set_profile("2.7"));
	assert(rule_mode(ONE_LIFE) == OFF && rule_mode(RECONNECT) == ENFORCE && policy.traits.default_backlog == 0);
	assert(!policy_set_profile("2") && !policy_set_profile("") && !policy_set_profile("2.5.3 "));
	assert(policy.profile == PROFILE_2_7);
	assert(!strcmp(profile_name(PROFILE_2_5_3), "2.5.3"));
}

static void overrides(void)
{
	assert(policy_set_profile("2.5"));
	assert(!policy_override("", reason, sizeof reason));
	assert(!policy_override("errno-map=off", reason, sizeof reason) && rule_mode(ERRNO_MAP) == OFF);
	assert(!policy_override("all=enforce,fd-passing=report,", reason, sizeof reason));
	assert(rule_mode(RECONNECT) == ENFORCE && rule_mode(FD_PASSING) == REPORT && rule_mode(NO_RULE) == OFF);
	assert(!policy_override("fd-passing=off,all=report", reason, sizeof reason) && rule_mode(FD_PASSING) == REPORT);
	policy_silence();
	assert(rule_mode(FD_PASSING) == OFF);
	for (int rule = 0; rule < RULES; rule++) {
		snprintf(reason, sizeof reason, "%s=enforce", rule_name((enum rule)rule));
		assert(!policy_override(strdupa(reason), reason, sizeof reason));
		assert(rule_mode((enum rule)rule) == ENFORCE && *rule_text((enum rule)rule));
	}
}

static void refusals(void)
{
	assert(refused("x", "rule=mode") && refused(",", "rule=mode") && refused("errno-map", "rule=mode"));
	assert(refused("x=off", "'x'") && refused("x=off", rule_name(FD_PASSING)) && refused("al=off", "'al'"));
	assert(refused("errno-map=", "enforce, report, off") && refused("all=offf", "'offf'"));
	assert(refused("errno-map=off,errno-map=o", "'o'"));
	/* However little room there is, nothing is written beyond it. */
	for (size_t size = 1; size < 900; size++) {
		char *room = malloc(size);

		assert(room && policy_override("nonsense=off", room, size) && strlen(room) < size);
		free(room);
	}
}

int main(void)
{
	profiles();
	overrides();
	refusals();
	return 0;
}
