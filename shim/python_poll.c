/* CPython's own waiting: before an operation in timeout mode it polls the one
 * descriptor, and what that poll says decides between the call and a timeout. */
#include "io.h"
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

/* Is the answer known already, so that Jython does not wait for it? */
static bool goes_on(int fd, struct shadow *sock)
{
	switch (python_doing) {
	case PYTHON_RECV:
		return enforced(decide_recv(sock, false));
	case PYTHON_RECVFROM:
		return enforced(decide_recv(sock, true)) || makes_datagram(fd, sock);
	case PYTHON_SEND:
		return enforced(decide_send(sock, false, false));
	case PYTHON_SENDTO:
		return enforced(decide_sendto(sock));
	case PYTHON_ACCEPT:
		return !shadow_is(sock, LISTENER);
	default:
		return false;
	}
}

int python_poll(struct pollfd *one, int timeout)
{
	struct shadow *sock;
	int rc = 1;

	if (!readable(one, sizeof *one))
		return REAL(poll)(one, 1, timeout);
	sock = track_unchecked(one->fd);
	if (sock && goes_on(one->fd, sock)) {
		one->revents = one->events;
		shadow_put(sock);
		return 1;
	}
	if (sock && sock->forever)
		timeout = -1;
	rc = REAL(poll)(one, 1, timeout);
	if (sock && rc == 0 && python_connects())
		connect_expired(sock, one->fd);
	shadow_put(sock);
	return rc;
}
