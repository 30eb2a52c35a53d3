/* connect, and the sends that connect. */
#include "shim.h"
#include "connect.h"

#include <netinet/tcp.h>

static int fail(int err)
{
	errno = err;
	return -1;
}

/* State of a connection that was under way: CONNECTING, CONNECTED or IDLE (over). */
static enum link link_now(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;

	if (REAL(getsockopt)(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return IDLE;
	if (info.tcpi_state == TCP_SYN_SENT || info.tcpi_state == TCP_SYN_RECV)
		return CONNECTING;
	return info.tcpi_state == TCP_CLOSE ? IDLE : CONNECTED;
}

void connect_failed(struct shadow *sock, int error)
{
	if (sock->kind == TCP && connect_kills(error) && rule_active(ONE_LIFE))
		track_role(sock, DEAD, IDLE);
}

/* A non-blocking connect called again.  True: *rc is the answer. */
static bool connect_polled(struct shadow *sock, const struct occasion *at, int *rc)
{
	enum link link = link_now(at->fd);
	int error = 0;
	socklen_t len = sizeof error;

	if (link != IDLE) {
		track_role(sock, CLIENT, link);
		return settled(decide_connect_again(sock, link == CONNECTING), at, rc);
	}
	if (rule_mode(ONE_LIFE) != ENFORCE)
		return false;
	REAL(getsockopt)(at->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	track_role(sock, DEAD, IDLE);
	*rc = fail(error ? mapped(decide_connect_error(error), at, error) : EINVAL);
	return true;
}

void connect_done(struct shadow *sock, int rc, const struct occasion *at)
{
	int error = errno;

	if (sock->kind == UDP) {
		if (rc == 0)
			track_role(sock, DATAGRAM, CONNECTED);
		else
			errno = mapped(decide_send_error(sock, error), at, error);
		return;
	}
	if (rc >= 0) {
		track_role(sock, CLIENT, CONNECTED);
	} else if (error == EINPROGRESS || error == EINTR || error == EALREADY) {
		track_role(sock, CLIENT, CONNECTING);
		if (error == EINPROGRESS)
			errno = mapped(decide_expired(sock, SEND), at, error);
	} else {
		connect_failed(sock, error);
		errno = mapped(decide_connect_error(error), at, error);
	}
}

bool connect_refused(struct shadow *sock, const struct occasion *at, int *rc)
{
	struct verdict late;
	int err;

	if (settled(decide_connect(sock), at, rc))
		return true;
	if (sock->kind == TCP && shadow_is(sock, CLIENT) && sock->link != IDLE &&
	    shadow_timing(sock, SEND) == NONBLOCKING)
		return connect_polled(sock, at, rc);
	late = decide_made(sock, sock->kind == UDP ? DATAGRAM : CLIENT);
	if (late.mode != OFF && settled(late, at, rc)) {
		track_role(sock, sock->kind == UDP ? DATAGRAM : CLIENT, IDLE);
		return true;
	}
	err = pending_bind(sock, at);
	if (err) { /* Jython has made the client by then */
		if (rule_mode(ONE_LIFE) == ENFORCE)
			track_role(sock, CLIENT, IDLE);
		*rc = fail(err);
	}
	return err != 0;
}

static bool dissolves(const struct sockaddr *addr, socklen_t len)
{
	return len >= sizeof addr->sa_family && readable(addr, sizeof addr->sa_family) && addr->sa_family == AF_UNSPEC;
}

SHIM int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	struct shadow *sock = track(fd);
	struct occasion at = OCCASION("connect", fd, sock);
	const struct sockaddr *peer = addr.__sockaddr__;
	int rc;

	if (!sock)
		return REAL(connect)(fd, addr, len);
	python_look(at.site);
	if (dissolves(peer, len)) {
		if (!settled(decide_connect(sock), &at, &rc)) {
			rc = REAL(connect)(fd, addr, len);
			if (rc == 0 && sock->link != IDLE)
				track_role(sock, sock->kind == UDP ? DATAGRAM : UNMADE, IDLE);
		}
	} else if (!connect_refused(sock, &at, &rc)) {
		if (readable(peer, len < sizeof sock->peer.in6 ? len : sizeof sock->peer.in6) && (int)len > 0)
			shadow_keep(sock, &sock->peer, peer, len);
		rc = REAL(connect)(fd, addr, len);
		connect_done(sock, rc, &at);
	}
	event("connect", fd, sock, rc);
	shadow_put(sock);
	return rc;
}
SHIM_TWIN(__connect, connect);
