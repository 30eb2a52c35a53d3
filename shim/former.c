/* The channels that a socket had before.  Netty leaves them open, on one queue with
 * the one that the socket has now: what they still receive comes to the program, and so
 * does their end.  Here they are kernel sockets out of the program's sight. */
#include "channel.h"
#include "settings.h"

#include <time.h>

enum { OUT_OF_THE_WAY = 700 }; /* above the descriptors that programs count on */

enum { SILENT = 1, /* whatever comes, nobody hears of it */
       DEAF = 2,   /* only what had come in before */
       LISTENER_STILL = 4,
       PACKETS = 8 }; /* datagrams, which a stream cannot be told */

static bool is_there(const struct former *former)
{
	return former->fd >= 0 && former->cookie && track_cookie(former->fd) == former->cookie;
}

static void drop(struct former *former)
{
	int fd = former->fd;

	if (!is_there(former))
		former->fd = -1;
	else if (atomic_compare_exchange_strong(&former->fd, &fd, -1)) /* by one thread */
		REAL(close)(fd);
}

static unsigned flags_of(const struct shadow *sock)
{
	bool hears = sock->kind == TCP && shadow_is(sock, CLIENT) && !(sock->past & (PAST_ASLEEP | PAST_NEVER | PAST_OVER));

	if (shadow_is(sock, LISTENER))
		return SILENT | LISTENER_STILL;
	if (shadow_is(sock, DATAGRAM))
		return PACKETS;
	return !hears ? SILENT : sock->past & PAST_DEAF ? DEAF : 0;
}

/* Takes the descriptor. */
static void keep(struct shadow *sock, const struct former *former)
{
	struct former *gone;

	if (former->fd < 0 || settings_park(sock, former))
		return;
	for (int number = 0; (gone = settings_former(sock, number)); number++)
		if (gone->fd < 0) {
			former_put(gone, former);
			return;
		}
	REAL(close)(former->fd);
}

void former_keep(struct shadow *sock, int fd)
{
	struct former former = { .flags = flags_of(sock), .left = sock->left, .cookie = sock->cookie };

	if (shadow_is(sock, LISTENER) && sock->past & PAST_BROKEN)
		return; /* there is nothing */
	former.fd = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	keep(sock, &former);
}

/* --- what they tell ------------------------------------------------------ */

static enum tells tells(const struct former *former)
{
	int saved = errno;
	char byte;
	ssize_t rc;

	if (!is_there(former) || former->flags & SILENT)
		return NOTHING;
	if (former->flags & DEAF && former->left)
		return DATA;
	if (former->flags & DEAF)
		rc = channel_discard(former->fd) ? -1 : 0;
	else
		rc = REAL(recv)(former->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (rc < 0 && errno != EAGAIN && !(former->flags & PACKETS))
		rc = 0;
	errno = saved;
	if (rc >= 0 && former->flags & PACKETS)
		return NONSENSE;
	return rc < 0 ? NOTHING : rc == 0 ? THE_END : DATA;
}

void former_forget(struct shadow *sock)
{
	struct former *former;

	for (int number = 0; (former = settings_former(sock, number)); number++) {
		former->left = 0;
		if (!is_there(former) || former->flags & SILENT || channel_discard(former->fd))
			continue;
		sock->past |= PAST_CLOSED;
		drop(former);
	}
}

static bool may(const struct former *former, enum wanted what)
{
	return is_there(former) && (what == LISTENS ? former->flags & LISTENER_STILL : !(former->flags & SILENT));
}

static bool is_ready(const struct former *former, enum wanted what)
{
	struct pollfd one = { .fd = former->fd, .events = POLLIN };

	if (what == SPEAKS)
		return tells(former) != NOTHING;
	return may(former, what) && REAL(poll)(&one, 1, 0) > 0;
}

bool former_may(const struct shadow *sock, enum wanted what)
{
	for (int number = 0; number < sock->parked; number++)
		if (may(settings_former(sock, number), what))
			return true;
	return false;
}

bool former_is_ready(const struct shadow *sock, enum wanted what)
{
	for (int number = 0; number < sock->parked; number++)
		if (is_ready(settings_former(sock, number), what))
			return true;
	return false;
}

bool former_has_closed(const struct shadow *sock)
{
	for (int number = 0; number < sock->parked; number++) {
		struct former *former = settings_former(sock, number);
		struct pollfd one = { .fd = former->fd, .events = POLLRDHUP };

		if (may(former, SPEAKS) && !(former->flags & PACKETS) && REAL(poll)(&one, 1, 0) > 0)
			return true;
	}
	return false;
}

enum tells former_takes(struct transfer *t)
{
	for (int number = 0; number < t->sock->parked; number++) {
		struct former *former = settings_former(t->sock, number);
		enum tells what = tells(former);

		if (what == NOTHING)
			continue;
		if (what == THE_END)
			drop(former);
		else if (what == DATA)
			t->source = former->fd;
		t->limit = former->flags & DEAF ? former->left : 0;
		return what;
	}
	return NOTHING;
}

void former_received(const struct transfer *t, ssize_t rc)
{
	for (int number = 0; rc > 0 && number < t->sock->parked; number++) {
		struct former *former = settings_former(t->sock, number);

		if (former->fd == t->source && former->flags & DEAF)
			former->left -= (uint32_t)rc < former->left ? (uint32_t)rc : former->left;
	}
}

/* --- waiting ------------------------------------------------------------- */

static int milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int)(now.tv_sec % 1000000 * 1000 + now.tv_nsec / 1000000);
}

int former_poll(const struct shadow *sock, struct pollfd *one, enum wanted what, bool silent, int timeout)
{
	struct pollfd all[1 + FORMERS];
	int begun = milliseconds(), rest = timeout, count, rc;

	do {
		if (former_is_ready(sock, what)) {
			one->revents = one->events;
			return 1;
		}
		all[0] = *one;
		if (silent)
			all[0].fd = -1;
		for (count = 0; count < sock->parked && count < FORMERS; count++) {
			struct former *former = settings_former(sock, count);

			all[1 + count] = (struct pollfd){ .fd = may(former, what) ? former->fd : -1, .events = POLLIN };
		}
		rc = REAL(poll)(all, (nfds_t)count + 1, rest);
		one->revents = all[0].revents;
		rest = timeout < 0 ? -1 : timeout - (milliseconds() - begun);
	} while (rc > 0 && !one->revents && (timeout < 0 || rest >= 0));
	return rc > 0 && !one->revents ? 0 : rc;
}

/* --- listeners ----------------------------------------------------------- */

int former_listener(const struct shadow *sock, int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	if (shadow_timing(sock, RECEIVE) == BLOCKING && former_may(sock, LISTENS))
		former_poll(sock, &one, LISTENS, !shadow_is(sock, LISTENER), -1);
	for (int number = sock->parked - 1; number >= 0; number--) {
		struct former *former = settings_former(sock, number);

		if (is_ready(former, LISTENS))
			return former->fd;
	}
	return fd;
}

void former_ignore(struct shadow *sock, int listener)
{
	struct pollfd one = { .fd = listener, .events = POLLIN };
	int fd;

	while (REAL(poll)(&one, 1, 0) > 0 && (fd = REAL(accept4)(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		keep(sock, &(struct former){ .fd = fd, .flags = SILENT, .cookie = track_cookie(fd) });
}

void former_unlisten(struct shadow *sock)
{
	struct former *former;

	for (int number = 0; (former = settings_former(sock, number)); number++)
		if (may(former, LISTENS))
			former_ignore(sock, former->fd);
}

void channel_over(struct shadow *sock)
{
	int saved = errno;
	struct former *former;

	/* The program may have closed descriptors that it does not know. */
	for (int number = 0; (former = settings_former(sock, number)); number++)
		drop(former);
	sock->parked = 0;
	errno = saved;
}
