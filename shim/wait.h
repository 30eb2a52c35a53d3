/* What the calls that wait have in common. */
#ifndef WAIT_H
#define WAIT_H

#include "io.h"

/* Does any rule concern waiting? */
static inline bool wait_is_watched(void)
{
	return __builtin_expect(wait_rules_active(), 0);
}

/* CPython's socket and ssl modules wait with poll themselves; that is not the
 * program's doing. */
bool wait_is_programs_own(const void *site);

/* What Jython says of waiting for this descriptor.  An enforced verdict with rc -1
 * fails the whole call, one with rc 0 takes the descriptor out of it. */
struct verdict wait_look_at(int fd, bool reads, const struct occasion *at);

/* What a channel is ready for, other than the kernel's socket: bits of poll. */
struct view {
	bool hide;         /* keep it from the kernel, which knows nothing of it */
	short drop, force; /* never, always */
};

struct view wait_view(int fd, const struct occasion *at);

#endif
