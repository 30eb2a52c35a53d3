/* poll and epoll_ctl: which descriptors Java could wait for, and what it would say of
 * them. */
#include "python.h"
#include "wait.h"

#include <limits.h>

enum { UNUSUAL = POLLERR | POLLHUP | POLLPRI };

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

/* Stands in `events` for a POLLIN that the kernel is not to see; it has no meaning of
 * its own in Linux. */
enum { DROPPED = 0x1000 };

static void poll_restore(struct pollfd *fds, nfds_t count)
{
	for (nfds_t i = 0; i < count; i++)
		if (is_hidden(fds[i].fd))
			fds[i].fd -= INT_MIN;
	for (nfds_t i = 0; i < count; i++)
		if (fds[i].events & DROPPED && policy.traits.channel_ends)
			fds[i].events = (short)((fds[i].events & ~DROPPED) | POLLIN);
}

static short asked(const struct pollfd *one)
{
	return (short)(one->events | (one->events & DROPPED ? POLLIN : 0));
}

/* Keep what the channel knows better from the kernel; true: it is ready already. */
static bool poll_prepare(struct pollfd *one, const struct occasion *at)
{
	struct view view = wait_view(one->fd, at);

	if (view.drop & one->events) {
		one->events = (short)((one->events & ~POLLIN) | DROPPED);
		if (!(one->events & (POLLIN | POLLOUT)))
			view.hide = true;
	}
	if (view.hide)
		one->fd = hidden(one->fd);
	return view.force & asked(one);
}

/* False: answered, -1 with errno. */
static bool poll_begin(struct pollfd *fds, nfds_t count, const struct occasion *at, bool *ready)
{
	*ready = false;
	for (nfds_t i = 0; i < count; i++) {
		struct verdict v = fds[i].fd >= 0 ? wait_look_at(fds[i].fd, fds[i].events & POLLIN, at) : PASS;

		if (!enforced(v)) {
			if (fds[i].fd >= 0 && poll_prepare(&fds[i], at))
				*ready = true;
			continue;
		}
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

static int poll_end(struct pollfd *fds, nfds_t count, int rc, const struct occasion *at, bool forces)
{
	int ready = 0;

	poll_restore(fds, count);
	for (nfds_t i = 0; (rc > 0 || (rc == 0 && forces)) && i < count; i++) {
		if (fds[i].fd >= 0 && fds[i].revents)
			quieten(&fds[i], at);
		if (fds[i].fd >= 0 && forces)
			fds[i].revents = (short)(fds[i].revents | (wait_view(fds[i].fd, at).force & fds[i].events));
		ready += fds[i].fd >= 0 && fds[i].revents != 0;
	}
	return rc >= 0 ? ready : rc;
}

static bool poll_is_watched(struct pollfd *fds, nfds_t count, const void *site)
{
	return wait_is_watched() && count && wait_is_programs_own(site) && readable(fds, count * sizeof *fds);
}

SHIM int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct occasion at = OCCASION("poll", -1, NULL);
	bool ready;

	if (python_waits(count))
		return python_poll(fds, timeout, &at);
	if (!poll_is_watched(fds, count, at.site))
		return REAL(poll)(fds, count, timeout);
	if (!poll_begin(fds, count, &at, &ready))
		return -1;
	return poll_end(fds, count, REAL(poll)(fds, count, ready ? 0 : timeout), &at, ready);
}
SHIM_TWIN(__poll, poll);

SHIM int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
	struct occasion at = OCCASION("poll", -1, NULL);
	bool ready;

	if (python_waits(count))
		return python_poll(fds, timeout, &at);
	if (size / sizeof *fds < count || !poll_is_watched(fds, count, at.site))
		return REAL(__poll_chk)(fds, count, timeout, size);
	if (!poll_begin(fds, count, &at, &ready))
		return -1;
	return poll_end(fds, count, REAL(poll)(fds, count, ready ? 0 : timeout), &at, ready);
}

static const struct timespec now = { 0, 0 };

SHIM int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	struct occasion at = OCCASION("ppoll", -1, NULL);
	bool ready;

	if (!poll_is_watched(fds, count, at.site))
		return REAL(ppoll)(fds, count, timeout, mask);
	if (!poll_begin(fds, count, &at, &ready))
		return -1;
	return poll_end(fds, count, REAL(ppoll)(fds, count, ready ? &now : timeout, mask), &at, ready);
}

SHIM int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size)
{
	struct occasion at = OCCASION("ppoll", -1, NULL);
	bool ready;

	if (size / sizeof *fds < count || !poll_is_watched(fds, count, at.site))
		return REAL(__ppoll_chk)(fds, count, timeout, mask, size);
	if (!poll_begin(fds, count, &at, &ready))
		return -1;
	return poll_end(fds, count, REAL(ppoll)(fds, count, ready ? &now : timeout, mask), &at, ready);
}

/* --- epoll --------------------------------------------------------------- */

/* An unmade socket is reported only: nothing in the kernel can hold back the
 * EPOLLHUP that it has for such a socket. */
SHIM int epoll_ctl(int epfd, int operation, int fd, struct epoll_event *event)
{
	struct occasion at = OCCASION("epoll_ctl", fd, NULL);
	struct verdict v = PASS;

	if (wait_is_watched() && operation != EPOLL_CTL_DEL)
		v = wait_look_at(fd, false, &at);
	if (enforced(v) && v.rc < 0) {
		errno = v.err;
		return -1;
	}
	return REAL(epoll_ctl)(epfd, operation, fd, event);
}
