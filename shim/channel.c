/* Netty's channels: a TCP client that reads ahead, notices the end by itself, and is
 * shut down in the program only. */
#include "channel.h"
#include "connect.h"
#include "python.h"
#include "settings.h"

#include <linux/filter.h>
#include <time.h>

static int fail(struct transfer *t, int err)
{
	errno = err;
	t->rc = -1;
	return true;
}

void channel_refresh(struct shadow *sock, int fd)
{
	enum link link;

	if (sock->kind != TCP || !shadow_is(sock, CLIENT) || sock->link != CONNECTING)
		return;
	link = connect_state(fd);
	if (link == IDLE && connect_was_reset(fd))
		link = CONNECTED;
	if (link != CONNECTING)
		track_role(sock, CLIENT, link);
}

bool channel_closed(const struct shadow *sock, int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLRDHUP };

	if (!shadow_is(sock, CLIENT))
		return sock->kind == UDP && shadow_is(sock, DEAD);
	if (sock->link == IDLE)
		return true;
	return sock->link == CONNECTED && !(sock->past & PAST_ASLEEP) && REAL(poll)(&one, 1, 0) > 0 &&
	       one.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

/* --- waking -------------------------------------------------------------- */

enum { MILLISECONDS_TO_READ = 3 }; /* until Netty's thread has read what was waiting */

static uint32_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000) | 1;
}

void channel_wake(struct shadow *sock)
{
	unsigned sleeps = sock->past & (PAST_ASLEEP | PAST_DORMANT);

	if (!sleeps)
		return;
	/* What was put off for the accepted channel is done to the one that there is now:
	 * its end is heard of, even if it never was a connection. */
	if (sleeps & PAST_ASLEEP || sock->past & PAST_NEVER)
		sock->woken = clock_now();
	if (sleeps & PAST_DORMANT && !(sock->past & PAST_NEVER))
		sock->past |= PAST_TWICE;
	sock->past &= ~(sleeps & PAST_DORMANT ? sleeps | PAST_NEVER : sleeps);
	shadow_rearm(sock);
}

void channel_watch(struct shadow *sock)
{
	channel_wake(sock);
	sock->woken = 0;
}

/* Nothing has been read yet, whatever the kernel holds: said once. */
static bool is_drowsy(struct shadow *sock)
{
	uint32_t woken;

	channel_wake(sock);
	woken = sock->woken;
	if (!woken || python_doing == PYTHON_NOTHING) /* C programs wait for edges of epoll */
		return false;
	sock->woken = 0;
	return clock_now() - woken < MILLISECONDS_TO_READ;
}

/* --- receiving ----------------------------------------------------------- */

bool channel_discard(int fd)
{
	char sink[2048];
	ssize_t rc;

	do
		rc = REAL(recv)(fd, sink, sizeof sink, MSG_DONTWAIT | MSG_TRUNC);
	while (rc > 0);
	return rc < 0 && errno == EAGAIN;
}

static bool may_wait(const struct transfer *t)
{
	return shadow_timing(t->sock, RECEIVE) == BLOCKING && !(t->flags & MSG_DONTWAIT);
}

/* The end, as it is told once. */
static bool end_read(struct transfer *t)
{
	t->sock->past |= PAST_END | PAST_CLOSED;
	t->rc = 0;
	return true;
}

static bool after_end(struct transfer *t)
{
	if (shadow_timing(t->sock, RECEIVE) == NONBLOCKING)
		return fail(t, EAGAIN);
	python_ended = true;
	t->rc = 0;
	return true;
}

/* Nobody listens any more; what arrived before is still there, t->limit bytes. */
static bool deaf(struct transfer *t)
{
	struct pollfd one = { .fd = t->at.fd, .events = POLLIN };

	t->limit = t->sock->left;
	if (t->limit)
		return false;
	while (channel_discard(t->at.fd)) {
		if (!may_wait(t))
			return fail(t, EAGAIN);
		if (REAL(poll)(&one, 1, -1) < 0)
			return fail(t, errno);
	}
	t->sock->past |= PAST_OVER;
	return end_read(t);
}

/* The kernel itself drops what comes for a deaf UDP socket; what has come stays. */
void channel_deafen(int fd)
{
	struct sock_filter nothing = { BPF_RET | BPF_K, 0, 0, 0 };
	struct sock_fprog program = { 1, &nothing };

	REAL(setsockopt)(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* The end of the channel that the socket has now. */
static bool end_reached(struct transfer *t)
{
	if (t->sock->past & PAST_TWICE)
		t->sock->past &= ~(unsigned)PAST_TWICE;
	else
		t->sock->past |= PAST_OVER;
	return end_read(t);
}

/* Something of the channels before?  True: answered, or data: t->source. */
static bool former_receives(struct transfer *t, bool *answered)
{
	struct shadow *sock = t->sock;
	struct pollfd one = { .fd = t->at.fd, .events = POLLIN };
	bool silent = !shadow_is(sock, CLIENT) || sock->past & (PAST_NEVER | PAST_OVER);

	*answered = false;
	if (!silent && may_wait(t) && former_poll(sock, &one, SPEAKS, false, -1) < 0)
		return *answered = fail(t, errno);
	switch (former_takes(t)) {
	case THE_END:
		return *answered = end_read(t);
	case NONSENSE:
		return *answered = fail(t, EINVAL);
	case DATA:
		return true;
	case NOTHING:
		break;
	}
	return false;
}

/* A UDP socket whose listen was refused takes its datagrams for a stream's, and fails. */
static bool stumble(struct transfer *t)
{
	struct pollfd one = { .fd = t->at.fd, .events = POLLIN };
	char byte;

	if (may_wait(t) && REAL(poll)(&one, 1, -1) < 0)
		return fail(t, errno);
	return REAL(recv)(t->at.fd, &byte, sizeof byte, MSG_DONTWAIT) >= 0 && fail(t, EINVAL);
}

bool channel_receives(struct transfer *t)
{
	struct shadow *sock = t->sock;
	bool answered;

	if (sock->kind == UDP)
		return channel_is_half(sock) && python_called(t->at.site) && stumble(t);
	channel_refresh(sock, t->at.fd);
	channel_wake(sock);
	if (sock->past & PAST_END && shadow_timing(sock, RECEIVE) != NONBLOCKING)
		return after_end(t);
	if (shadow_timing(sock, RECEIVE) == NONBLOCKING && is_drowsy(sock))
		return fail(t, EAGAIN);
	if (shadow_is(sock, CLIENT) && sock->link == IDLE && !(sock->past & (PAST_NEVER | PAST_OVER)))
		return end_reached(t);
	if (sock->parked && former_receives(t, &answered))
		return answered;
	if (!shadow_is(sock, CLIENT))
		return false;
	if (sock->past & PAST_NEVER)
		return fail(t, may_wait(t) ? ENOTCONN : EAGAIN);
	if (sock->past & PAST_OVER)
		return after_end(t);
	if (sock->link == CONNECTING)
		return shadow_timing(sock, RECEIVE) == BLOCKING ? false : fail(t, EAGAIN);
	return sock->past & PAST_DEAF && deaf(t);
}

ssize_t channel_received(struct transfer *t, ssize_t rc)
{
	struct shadow *sock = t->sock;
	int saved = errno;

	if (t->source != t->at.fd) {
		former_received(t, rc);
		return rc;
	}
	if (rc < 0 && saved == ECONNRESET)
		rc = 0;
	if (rc == 0 && !t->empty)
		end_reached(t);
	if (rc > 0 && sock->past & PAST_DEAF)
		sock->left -= (uint32_t)rc < sock->left ? (uint32_t)rc : sock->left;
	if (sock->past & PAST_END)
		shadow_rearm(sock);
	errno = saved;
	return rc;
}

/* --- sending ------------------------------------------------------------- */

/* What is sent in vain: in non-blocking mode nobody hears of it. */
static bool in_vain(struct transfer *t, size_t len, int err)
{
	ssize_t rc = (ssize_t)(len > SEND_CAP_BYTES && python_doing != PYTHON_SENDTO ? SEND_CAP_BYTES : len);

	if (shadow_timing(t->sock, SEND) != NONBLOCKING || python_doing == PYTHON_NOTHING)
		return fail(t, err);
	t->rc = rc;
	return true;
}

/* It sends datagrams as a stream would; without a channel nothing. */
static bool half_sends(struct transfer *t, size_t len)
{
	if (shadow_is(t->sock, UNMADE) || (!t->addressed && t->sock->past & PAST_MUTE))
		return fail(t, ENOTCONN);
	return !t->addressed && t->sock->link != CONNECTED && in_vain(t, len, ENOTCONN);
}

bool channel_sends(struct transfer *t, size_t len)
{
	struct shadow *sock = t->sock;
	bool closed, is_refused = shadow_is(sock, LISTENER) && sock->past & PAST_UNREADY;

	if (channel_is_half(sock))
		return half_sends(t, len);
	if (sock->kind == UDP)
		return in_vain(t, len, ENOTCONN);
	channel_refresh(sock, t->at.fd);
	closed = channel_closed(sock, t->at.fd);
	if (python_doing == PYTHON_SENDTO)
		return in_vain(t, len, closed || is_refused ? ECONNRESET : policy.traits.tcp_sendto_error);
	channel_wake(sock);
	if (sock->past & PAST_MUTE)
		return fail(t, ENOTCONN);
	if (is_refused)
		return in_vain(t, 0, ECONNRESET);
	if (shadow_is(sock, LISTENER))
		return in_vain(t, len, policy.traits.tcp_sendto_error);
	if (sock->link == CONNECTING)
		return in_vain(t, len, ENOTCONN);
	return closed && in_vain(t, 0, ECONNRESET);
}

/* --- names --------------------------------------------------------------- */

static bool is_any(const struct address *name)
{
	return name->any.sa_family == AF_INET && name->in.sin_addr.s_addr == INADDR_ANY;
}

/* Java's any address is an IPv6 one: Jython puts the address of the last bind in its
 * place, even if the socket was bound elsewhere before. */
bool channel_name(struct shadow *sock, int fd, struct address *name)
{
	struct address asked;

	channel_refresh(sock, fd);
	if (!settings_name(sock, name)) {
		if (!track_kernel_name(fd, name))
			return false;
		if (shadow_is(sock, CLIENT) && sock->link != CONNECTED)
			settings_bound(sock, name);
		settings_keep_name(sock, name);
	}
	if (name->any.sa_family == AF_INET6 && !sock->name.len && IN6_IS_ADDR_UNSPECIFIED(&name->in6.sin6_addr))
		*name = (struct address){ .len = sizeof name->in,
					  .in = { .sin_family = AF_INET, .sin_port = name->in6.sin6_port } };
	if (is_any(name) && shadow_recall(sock, &sock->name, &asked) && asked.len && asked.any.sa_family == AF_INET)
		name->in.sin_addr = asked.in.sin_addr;
	return true;
}
