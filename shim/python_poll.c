/* CPython's own waiting: before an operation in timeout mode it polls the one
 * descriptor, and what that poll says decides between the call and a timeout. */
#include "io.h"
#include "channel.h"
#include "connect.h"
#include "python.h"

/* A receive that makes a UDP socket makes it before it waits. */
static bool makes_datagram(int fd, struct shadow *sock)
{
	struct transfer t = { .at = { "recvfrom", fd, sock, NULL, -1, 0 }, .addressed = true };
	bool answered;

	if (sock->kind != UDP || !shadow_is(sock, UNMADE))
		return false;
	answered = recv_begin(&t);
	transfer_over(&t);
	return answered;
}

/* 2.7: the end was read, or waits to be. */
static bool has_said_all(int fd, struct shadow *sock)
{
	if (!policy.traits.channel_ends || sock->kind != TCP)
		return false;
	channel_refresh(sock, fd);
	return sock->past & PAST_END || (shadow_is(sock, CLIENT) && sock->link == IDLE && !(sock->past & PAST_NEVER));
}

static bool cannot_send(int fd, struct shadow *sock)
{
	return policy.traits.channel_ends && ((sock->kind == TCP && sock->past & PAST_MUTE) || channel_closed(sock, fd));
}

/* Nothing will come, and nothing will be told of it: the timeout must pass. */
static bool is_silent(int fd, struct shadow *sock)
{
	if (python_doing == PYTHON_ACCEPT && former_may(sock, LISTENS))
		return false;
	if (python_doing == PYTHON_SENDTO && sock->past & PAST_ASLEEP)
		return true;
	if (python_doing == PYTHON_ACCEPT)
		return sock->past & PAST_BROKEN || (sock->past & PAST_LISTENED && !shadow_is(sock, LISTENER));
	if ((python_doing != PYTHON_RECV && python_doing != PYTHON_RECVFROM) || sock->past & PAST_END)
		return false;
	if (sock->past & PAST_NEVER || (sock->past & (PAST_DATAGRAM | PAST_TRIED) && shadow_is(sock, LISTENER)))
		return true;
	return sock->past & PAST_DEAF && !sock->left && channel_discard(fd);
}

/* Waited in vain; accept does not note that. */
static int expired(struct shadow *sock, int rc)
{
	if (rc == 0 && python_doing != PYTHON_ACCEPT)
		channel_note(sock, ETIMEDOUT);
	return rc;
}

static int silence(struct shadow *sock, int timeout)
{
	int rc = expired(sock, REAL(poll)(NULL, 0, timeout));

	shadow_put(sock);
	return rc;
}

static bool receives(void)
{
	return python_doing == PYTHON_RECV || python_doing == PYTHON_RECVFROM;
}

/* A socket whose former channels may have something to tell. */
static int poll_formers(struct shadow *sock, struct pollfd *one, int timeout)
{
	int rc = 1;

	one->revents = one->events;
	if (!has_said_all(one->fd, sock))
		rc = expired(sock, former_poll(sock, one, SPEAKS, is_silent(one->fd, sock), timeout));
	shadow_put(sock);
	return rc;
}

/* Is the answer known already, so that Jython does not wait for it? */
static bool goes_on(int fd, struct shadow *sock)
{
	switch (python_doing) {
	case PYTHON_RECV:
		return enforced(decide_recv(sock, false)) || has_said_all(fd, sock);
	case PYTHON_RECVFROM:
		return has_said_all(fd, sock) || enforced(decide_recv(sock, true)) || makes_datagram(fd, sock);
	case PYTHON_SEND:
		return enforced(decide_send(sock, false, false)) || cannot_send(fd, sock);
	case PYTHON_SENDTO:
		return enforced(decide_sendto(sock)) || cannot_send(fd, sock) ||
		       (policy.traits.channel_ends && shadow_is(sock, LISTENER));
	case PYTHON_ACCEPT:
		return !shadow_is(sock, LISTENER) && !former_may(sock, LISTENS);
	default:
		return false;
	}
}

int python_poll(struct pollfd *one, int timeout, const struct occasion *at)
{
	struct shadow *sock;
	int rc = 1;

	if (!readable(one, sizeof *one))
		return REAL(poll)(one, 1, timeout);
	sock = track_unchecked(one->fd);
	if (sock && receives())
		channel_wake(sock);
	if (sock && sock->parked && receives() && (is_silent(one->fd, sock) || !goes_on(one->fd, sock)))
		return poll_formers(sock, one, timeout);
	if (sock && policy.traits.channel_ends && is_silent(one->fd, sock))
		return silence(sock, timeout);
	if (sock && goes_on(one->fd, sock)) {
		one->revents = one->events;
		shadow_put(sock);
		return 1;
	}
	if (sock && sock->forever)
		timeout = -1;
	if (sock && sock->kind == UDP && policy.traits.datagram_errors_lost)
		REAL(getsockopt)(one->fd, SOL_SOCKET, SO_ERROR, &rc, &(socklen_t){ sizeof rc });
	if (sock && python_doing == PYTHON_ACCEPT && sock->parked)
		rc = former_poll(sock, one, LISTENS, !shadow_is(sock, LISTENER), timeout);
	else
		rc = REAL(poll)(one, 1, timeout);
	if (sock)
		expired(sock, rc);
	if (sock && rc == 0 && python_connects())
		connect_expired(sock, &(struct occasion){ "connect", one->fd, sock, at->site, -1 });
	shadow_put(sock);
	return rc;
}
