/* poll, select and epoll_ctl: which descriptors Java could wait for, and what it
 * would say of them. */
#include "io.h"
#include "python.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>

enum { UNUSUAL = POLLERR | POLLHUP | POLLPRI };

/* CPython's socket and ssl modules wait with poll themselves; that is not the
 * program's doing. */
static bool is_programs_own(const void *site)
{
	Dl_info caller;
	const char *base;

	if (python_doing != PYTHON_NOTHING)
		return false;
	if (!dladdr(site, &caller) || !caller.dli_fname)
		return true;
	base = strrchr(caller.dli_fname, '/');
	return !base || strncmp(base, "/_ssl", 5) != 0;
}

static inline bool is_watched(void)
{
	return __builtin_expect(wait_rules_active(), 0);
}

/* Say a thing once a socket. */
static bool first_time(struct shadow *sock, enum told told)
{
	return !(atomic_fetch_or(&sock->told, (unsigned char)told) & told) || only_set;
}

/* A pipe, file or terminal: once a descriptor number. */
static struct verdict look_at_non_socket(int fd, const struct occasion *at)
{
	static _Atomic uint64_t told[16];
	struct verdict v = decide_wait_non_socket();
	struct occasion here = *at;
	int type, saved = errno;
	socklen_t len = sizeof type;
	uint64_t bit = 1ULL << (fd % 64);

	if (v.mode == OFF)
		return PASS;
	if (REAL(getsockopt)(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 || errno != ENOTSOCK)
		v = PASS;
	errno = saved;
	here.fd = fd;
	if (v.mode != OFF && (fd >= 1024 || !(atomic_fetch_or(&told[fd / 64], bit) & bit) || only_set))
		v = report_finding(v, &here);
	return v;
}

/* What Jython says of waiting for this descriptor.  An enforced verdict with rc -1
 * fails the whole call, one with rc 0 takes the descriptor out of it. */
static struct verdict look_at(int fd, const struct occasion *at)
{
	struct shadow *sock = track_unchecked(fd);
	struct occasion here = *at;
	struct verdict blocking, unmade;

	if (!sock)
		return look_at_non_socket(fd, at);
	here.fd = fd;
	here.sock = sock;
	blocking = decide_wait_blocking(sock);
	unmade = decide_wait_unmade(sock);
	if (blocking.mode != OFF && first_time(sock, TOLD_BLOCKING))
		blocking = report_finding(blocking, &here);
	if (unmade.mode != OFF && first_time(sock, TOLD_UNMADE))
		unmade = report_finding(unmade, &here);
	if (!enforced(blocking) && enforced(unmade))
		blocking = unmade;
	if (enforced(blocking) && !track_confirm(fd, sock))
		blocking = PASS;
	shadow_put(sock);
	return blocking;
}

/* --- poll ---------------------------------------------------------------- */

/* A descriptor taken out of the set meanwhile: negative, so the kernel passes it
 * over, and far from any negative number that a program would use. */
static int hidden(int fd)
{
	return INT_MIN + fd;
}

static bool is_hidden(int fd)
{
	return fd < INT_MIN / 2;
}

static void poll_restore(struct pollfd *fds, nfds_t count)
{
	for (nfds_t i = 0; i < count; i++)
		if (is_hidden(fds[i].fd)) {
			fds[i].fd -= INT_MIN;
			fds[i].revents = 0;
		}
}

/* False: answered, -1 with errno. */
static bool poll_begin(struct pollfd *fds, nfds_t count, const struct occasion *at)
{
	for (nfds_t i = 0; i < count; i++) {
		struct verdict v = fds[i].fd >= 0 ? look_at(fds[i].fd, at) : PASS;

		if (!enforced(v))
			continue;
		if (v.rc < 0) {
			poll_restore(fds, i);
			errno = v.err;
			return false;
		}
		fds[i].fd = hidden(fds[i].fd);
	}
	return true;
}

/* Java knows readable and writable only; what was neither is what was asked. */
static void quieten(struct pollfd *one, const struct occasion *at)
{
	struct verdict v = decide_wait_events(one->revents & UNUSUAL);
	struct occasion here = *at;
	struct shadow *sock;

	if (v.mode == OFF)
		return;
	sock = track_unchecked(one->fd);
	if (sock) {
		here.fd = one->fd;
		here.sock = sock;
		v = report_finding(v, &here);
		if (enforced(v)) {
			one->revents &= (short)~UNUSUAL;
			if (!one->revents)
				one->revents = (short)(one->events & (POLLIN | POLLOUT));
		}
	}
	shadow_put(sock);
}

static int poll_end(struct pollfd *fds, nfds_t count, int rc, const struct occasion *at)
{
	int ready = 0;

	for (nfds_t i = 0; rc > 0 && i < count; i++) {
		if (fds[i].fd >= 0 && fds[i].revents)
			quieten(&fds[i], at);
		ready += fds[i].fd >= 0 && fds[i].revents != 0;
	}
	poll_restore(fds, count);
	return rc > 0 ? ready : rc;
}

static bool poll_is_watched(struct pollfd *fds, nfds_t count, const void *site)
{
	return is_watched() && count && is_programs_own(site) && readable(fds, count * sizeof *fds);
}

SHIM int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct occasion at = OCCASION("poll", -1, NULL);

	if (python_waits(count))
		return python_poll(fds, timeout);
	if (!poll_is_watched(fds, count, at.site))
		return REAL(poll)(fds, count, timeout);
	if (!poll_begin(fds, count, &at))
		return -1;
	return poll_end(fds, count, REAL(poll)(fds, count, timeout), &at);
}
SHIM_TWIN(__poll, poll);

SHIM int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
	struct occasion at = OCCASION("poll", -1, NULL);

	if (python_waits(count))
		return python_poll(fds, timeout);
	if (size / sizeof *fds < count || !poll_is_watched(fds, count, at.site))
		return REAL(__poll_chk)(fds, count, timeout, size);
	if (!poll_begin(fds, count, &at))
		return -1;
	return poll_end(fds, count, REAL(poll)(fds, count, timeout), &at);
}

SHIM int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	struct occasion at = OCCASION("ppoll", -1, NULL);

	if (!poll_is_watched(fds, count, at.site))
		return REAL(ppoll)(fds, count, timeout, mask);
	if (!poll_begin(fds, count, &at))
		return -1;
	return poll_end(fds, count, REAL(ppoll)(fds, count, timeout, mask), &at);
}

SHIM int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size)
{
	struct occasion at = OCCASION("ppoll", -1, NULL);

	if (size / sizeof *fds < count || !poll_is_watched(fds, count, at.site))
		return REAL(__ppoll_chk)(fds, count, timeout, mask, size);
	if (!poll_begin(fds, count, &at))
		return -1;
	return poll_end(fds, count, REAL(ppoll)(fds, count, timeout, mask), &at);
}

/* --- select -------------------------------------------------------------- */

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

static bool is_ours(int fd)
{
	struct shadow *sock = track_unchecked(fd);

	shadow_put(sock);
	return sock != NULL;
}

/* False: answered, -1 with errno; the sets are as they were. */
static bool select_begin(struct sets *sets, const struct occasion *at)
{
	size_t size = ((size_t)sets->count + 63) / 64 * sizeof(uint64_t);

	for (int i = 0; i < 3; i++)
		if (sets->set[i])
			memcpy(&sets->copy[i], sets->set[i], size);
	for (int fd = 0; fd < sets->count; fd++) {
		struct verdict v = any_set(sets, fd) ? look_at(fd, at) : PASS;

		if (sets->set[2] && FD_ISSET(fd, sets->set[2]) && rule_mode(POLL_QUIET) == ENFORCE && is_ours(fd))
			FD_CLR(fd, sets->set[2]);
		if (!enforced(v))
			continue;
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

/* The kernel leaves the sets alone when it fails. */
static int select_end(struct sets *sets, int rc)
{
	for (int i = 0; rc < 0 && i < 3; i++)
		if (sets->set[i])
			memcpy(sets->set[i], &sets->copy[i], ((size_t)sets->count + 63) / 64 * sizeof(uint64_t));
	return rc;
}

static bool select_is_watched(const struct sets *sets, const void *site)
{
	return is_watched() && sets->count > 0 && sets->count <= FD_SETSIZE && is_programs_own(site) &&
	       sets_readable(sets);
}

SHIM int select(int count, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict excepts,
		struct timeval *restrict timeout)
{
	struct occasion at = OCCASION("select", -1, NULL);
	struct sets sets;

	if (__builtin_expect(!wait_rules_active(), 1))
		return REAL(select)(count, reads, writes, excepts, timeout);
	sets = (struct sets){ .set = { reads, writes, excepts }, .count = count };
	if (!select_is_watched(&sets, at.site))
		return REAL(select)(count, reads, writes, excepts, timeout);
	if (!select_begin(&sets, &at))
		return -1;
	return select_end(&sets, REAL(select)(count, reads, writes, excepts, timeout));
}
SHIM_TWIN(__select, select);

SHIM int pselect(int count, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict excepts,
		 const struct timespec *restrict timeout, const sigset_t *restrict mask)
{
	struct occasion at = OCCASION("pselect", -1, NULL);
	struct sets sets;

	if (__builtin_expect(!wait_rules_active(), 1))
		return REAL(pselect)(count, reads, writes, excepts, timeout, mask);
	sets = (struct sets){ .set = { reads, writes, excepts }, .count = count };
	if (!select_is_watched(&sets, at.site))
		return REAL(pselect)(count, reads, writes, excepts, timeout, mask);
	if (!select_begin(&sets, &at))
		return -1;
	return select_end(&sets, REAL(pselect)(count, reads, writes, excepts, timeout, mask));
}

/* --- epoll --------------------------------------------------------------- */

/* An unmade socket is reported only: nothing in the kernel can hold back the
 * EPOLLHUP that it has for such a socket. */
SHIM int epoll_ctl(int epfd, int operation, int fd, struct epoll_event *event)
{
	struct occasion at = OCCASION("epoll_ctl", fd, NULL);
	struct verdict v = PASS;

	if (is_watched() && operation != EPOLL_CTL_DEL)
		v = look_at(fd, &at);
	if (enforced(v) && v.rc < 0) {
		errno = v.err;
		return -1;
	}
	return REAL(epoll_ctl)(epfd, operation, fd, event);
}
