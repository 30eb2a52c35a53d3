/* select and pselect: which descriptors Java could wait for, and what it would say of
 * them. */
#include "python.h"
#include "wait.h"

#include <string.h>

struct sets {
	fd_set *set[3]; /* read, write, except; NULL where not given */
	fd_set copy[3];
	int count;
};

static bool sets_readable(const struct sets *sets)
{
	size_t size = ((size_t)sets->count + 63) / 64 * sizeof(uint64_t);

	for (int i = 0; i < 3; i++)
		if (sets->set[i] && !readable(sets->set[i], size))
			return false;
	return true;
}

/* Java has nothing like the third set. */
static bool any_set(const struct sets *sets, int fd)
{
	for (int i = 0; i < 2; i++)
		if (sets->set[i] && FD_ISSET(fd, sets->set[i]))
			return true;
	return false;
}

/* CPython's select has sockets only. */
static struct verdict look_for_python(int fd, bool reads, const struct occasion *at)
{
	struct verdict v = wait_look_at(fd, reads, at);

	if (v.rule != SELECT_NON_SOCKET || !policy.traits.python_select_error || !python_called(at->site))
		return v;
	v = for_python(v, true);
	v.err = policy.traits.python_select_error;
	return v;
}

static bool is_ours(int fd)
{
	struct shadow *sock = track_unchecked(fd);

	shadow_put(sock);
	return sock != NULL;
}

/* Keep what the channel knows better from the kernel; true: it is ready already. */
static bool select_prepare(struct sets *sets, int fd, const struct occasion *at)
{
	struct view view = wait_view(fd, at);

	for (int i = 0; view.hide && i < 2; i++)
		if (sets->set[i])
			FD_CLR(fd, sets->set[i]);
	if (view.drop & POLLIN && sets->set[0])
		FD_CLR(fd, sets->set[0]);
	return (view.force & POLLIN && sets->set[0] && FD_ISSET(fd, &sets->copy[0])) ||
	       (view.force & POLLOUT && sets->set[1] && FD_ISSET(fd, &sets->copy[1]));
}

/* False: answered, -1 with errno; the sets are as they were. */
static bool select_begin(struct sets *sets, const struct occasion *at, bool *ready)
{
	size_t size = ((size_t)sets->count + 63) / 64 * sizeof(uint64_t);

	*ready = false;
	for (int i = 0; i < 3; i++)
		if (sets->set[i])
			memcpy(&sets->copy[i], sets->set[i], size);
	for (int fd = 0; fd < sets->count; fd++) {
		bool reads = sets->set[0] && FD_ISSET(fd, sets->set[0]);
		struct verdict v = any_set(sets, fd) ? look_for_python(fd, reads, at) : PASS;

		if (sets->set[2] && FD_ISSET(fd, sets->set[2]) && is_ours(fd) && rule_holds(POLL_QUIET, at))
			FD_CLR(fd, sets->set[2]);
		if (!enforced(v)) {
			if (any_set(sets, fd) && select_prepare(sets, fd, at))
				*ready = true;
			continue;
		}
		for (int i = 0; i < 3; i++)
			if (sets->set[i] && v.rc == 0)
				FD_CLR(fd, sets->set[i]);
		if (v.rc < 0) {
			for (int i = 0; i < 3; i++)
				if (sets->set[i])
					memcpy(sets->set[i], &sets->copy[i], size);
			errno = v.err;
			return false;
		}
	}
	return true;
}

static bool any_asked(const struct sets *sets, int fd)
{
	return (sets->set[0] && FD_ISSET(fd, &sets->copy[0])) || (sets->set[1] && FD_ISSET(fd, &sets->copy[1]));
}

/* Add what the channel is ready for; how many bits that is. */
static int select_force(struct sets *sets, int fd, const struct occasion *at)
{
	static const short bits[] = { POLLIN, POLLOUT };
	struct view view = wait_view(fd, at);
	int more = 0;

	for (int i = 0; i < 2; i++) {
		if (!(view.force & bits[i]) || !sets->set[i] || !FD_ISSET(fd, &sets->copy[i]) || FD_ISSET(fd, sets->set[i]))
			continue;
		FD_SET(fd, sets->set[i]);
		more++;
	}
	return more;
}

/* The kernel leaves the sets alone when it fails. */
static int select_end(struct sets *sets, int rc, const struct occasion *at, bool forces)
{
	for (int fd = 0; rc >= 0 && forces && fd < sets->count; fd++)
		rc += any_asked(sets, fd) ? select_force(sets, fd, at) : 0;
	for (int i = 0; rc < 0 && i < 3; i++)
		if (sets->set[i])
			memcpy(sets->set[i], &sets->copy[i], ((size_t)sets->count + 63) / 64 * sizeof(uint64_t));
	return rc;
}

static bool select_is_watched(const struct sets *sets, const void *site)
{
	return wait_is_watched() && sets->count > 0 && sets->count <= FD_SETSIZE && wait_is_programs_own(site) &&
	       sets_readable(sets);
}

SHIM int select(int count, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict excepts,
		struct timeval *restrict timeout)
{
	struct occasion at = OCCASION("select", -1, NULL);
	struct timeval now = { 0, 0 };
	struct sets sets;
	bool ready;

	if (__builtin_expect(!wait_rules_active(), 1))
		return REAL(select)(count, reads, writes, excepts, timeout);
	sets = (struct sets){ .set = { reads, writes, excepts }, .count = count };
	if (!select_is_watched(&sets, at.site))
		return REAL(select)(count, reads, writes, excepts, timeout);
	if (!select_begin(&sets, &at, &ready))
		return -1;
	return select_end(&sets, REAL(select)(count, reads, writes, excepts, ready ? &now : timeout), &at, ready);
}
SHIM_TWIN(__select, select);

SHIM int pselect(int count, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict excepts,
		 const struct timespec *restrict timeout, const sigset_t *restrict mask)
{
	struct occasion at = OCCASION("pselect", -1, NULL);
	struct timespec now = { 0, 0 };
	struct sets sets;
	bool ready;

	if (__builtin_expect(!wait_rules_active(), 1))
		return REAL(pselect)(count, reads, writes, excepts, timeout, mask);
	sets = (struct sets){ .set = { reads, writes, excepts }, .count = count };
	if (!select_is_watched(&sets, at.site))
		return REAL(pselect)(count, reads, writes, excepts, timeout, mask);
	if (!select_begin(&sets, &at, &ready))
		return -1;
	return select_end(&sets, REAL(pselect)(count, reads, writes, excepts, ready ? &now : timeout, mask), &at, ready);
}
