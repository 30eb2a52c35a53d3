/* The answer to "what would Jython do with this call?": all that passes from
 * compat/ to shim/. */
#ifndef VERDICT_H
#define VERDICT_H

#include "policy.h"

struct verdict {
	enum mode mode; /* OFF: nothing to impose or say, make the real call */
	enum rule rule;
	int rc;         /* Jython's result: -1 with err, or 0 */
	int err;
};

#define PASS ((struct verdict){ OFF, NO_RULE, 0, 0 })

/* Jython answers rc (and err, if rc is -1) under this rule; the policy says
 * whether that is imposed, reported or ignored. */
static inline struct verdict rule_answer(enum rule rule, int rc, int err)
{
	return (struct verdict){ rule_mode(rule), rule, rc, err };
}

/* Jython fails the call with err under this rule. */
static inline struct verdict rule_fail(enum rule rule, int err)
{
	return rule_answer(rule, -1, err);
}

/* The same verdict about a call that CPython's socket or select module makes for its
 * program: enforced there where the profile says so, unless the user chose a mode. */
static inline struct verdict for_python(struct verdict v, bool says_so)
{
	if (says_so && v.rule != NO_RULE && !policy.chosen[v.rule])
		v.mode = ENFORCE;
	return v;
}

static inline bool enforced(struct verdict v)
{
	return v.mode == ENFORCE;
}

#endif
