/* Names and ends: getsockname, getpeername, shutdown. */
#include "shim.h"
#include "channel.h"
#include "settings.h"

#include <string.h>

static int fail(int err)
{
	errno = err;
	return -1;
}

void answer_address(const struct address *address, struct sockaddr *addr, socklen_t room, socklen_t *len)
{
	socklen_t size = address->any.sa_family == AF_INET6 ? sizeof address->in6 : sizeof address->in;

	memcpy(addr, &address->any, room < size ? room : size);
	*len = size;
}

static bool port_differs(const struct address *name)
{
	return name->any.sa_family == AF_INET6 ? name->in6.sin6_port == 0 : name->in.sin_port == 0;
}

static int name_unmade(struct shadow *sock, struct sockaddr *addr, socklen_t *len, const struct occasion *at)
{
	struct verdict v = decide_getsockname(sock);
	socklen_t room = 0;
	struct address name;
	int rc;

	if (v.mode != OFF && v.rc < 0 && settled(v, at, &rc))
		return rc;
	if (enforced(v) && readable(len, sizeof *len))
		room = *len;
	rc = REAL(getsockname)(at->fd, addr, len);
	if (rc != 0 || v.mode == OFF || v.rc < 0 || !shadow_recall(sock, &sock->name, &name))
		return rc;
	if (port_differs(&name))
		v = report_finding(v, at);
	if (name.any.sa_family == AF_UNSPEC)
		name.any.sa_family = AF_INET;
	if (enforced(v))
		answer_address(&name, addr, room, len);
	return rc;
}

/* A closed java.net.Socket: the wildcard address, and the port it had. */
static int name_dead(struct shadow *sock, struct sockaddr *addr, socklen_t *len, const struct occasion *at)
{
	struct verdict v = report_finding(decide_getsockname(sock), at);
	socklen_t room = readable(len, sizeof *len) ? *len : 0;
	int rc = REAL(getsockname)(at->fd, addr, len);
	struct address name;

	if (rc != 0 || !enforced(v) || !track_kernel_name(at->fd, &name))
		return rc;
	if (name.any.sa_family == AF_INET6)
		name.in6.sin6_addr = in6addr_any;
	else
		name.in.sin_addr.s_addr = INADDR_ANY;
	answer_address(&name, addr, room, len);
	return 0;
}

/* The channel's name: 2.7 asks it once. */
static int name_channel(struct shadow *sock, struct sockaddr *addr, socklen_t *len, const struct occasion *at)
{
	socklen_t room = readable(len, sizeof *len) ? *len : 0;
	struct verdict v = decide_getsockname(sock);
	struct address name;
	int rc;

	if (shadow_is(sock, DEAD) && settings_name(sock, &name))
		v = PASS; /* it was asked before */
	if (settled(v, at, &rc) && rc < 0)
		return rc;
	rc = REAL(getsockname)(at->fd, addr, len);
	if (rc == 0 && channel_name(sock, at->fd, &name))
		answer_address(&name, addr, room, len);
	return rc;
}

SHIM int getsockname(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len)
{
	struct shadow *sock = track(fd);
	struct occasion at = OCCASION("getsockname", fd, sock);
	int rc;

	if (sock && shadow_is(sock, UNMADE))
		rc = name_unmade(sock, addr.__sockaddr__, len, &at);
	else if (sock && channel_begins_anew())
		rc = name_channel(sock, addr.__sockaddr__, len, &at);
	else if (sock && shadow_is(sock, DEAD))
		rc = name_dead(sock, addr.__sockaddr__, len, &at);
	else
		rc = REAL(getsockname)(fd, addr, len);
	shadow_put(sock);
	return rc;
}

/* The name of a peer that has gone: getsockname proves the pointers. */
static int name_remembered(struct shadow *sock, struct sockaddr *addr, socklen_t *len, const struct occasion *at)
{
	struct verdict v = decide_getpeername(sock);
	socklen_t room = 0;
	struct address peer;

	if (v.mode == OFF || !shadow_recall(sock, &sock->peer, &peer))
		return fail(ENOTCONN);
	v = report_finding(v, at);
	if (readable(len, sizeof *len))
		room = *len;
	if (!enforced(v) || REAL(getsockname)(at->fd, addr, len) != 0)
		return fail(ENOTCONN);
	answer_address(&peer, addr, room, len);
	return 0;
}

SHIM int getpeername(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len)
{
	struct occasion at = OCCASION("getpeername", fd, NULL);
	int saved = errno, rc = REAL(getpeername)(fd, addr, len);
	struct shadow *sock;

	if (rc == 0 || errno != ENOTCONN)
		return rc;
	sock = track(fd);
	at.sock = sock;
	if (sock)
		rc = name_remembered(sock, addr.__sockaddr__, len, &at);
	if (rc == 0)
		errno = saved;
	shadow_put(sock);
	return rc;
}

/* Nothing goes on the wire: the program stops itself from sending, and its thread
 * from receiving. */
static void shut_locally(struct shadow *sock, int how, const struct occasion *at)
{
	bool asleep = sock->past & PAST_ASLEEP;
	int waiting = 0;

	if (shadow_is(sock, UNMADE))
		return;
	channel_wake(sock);
	if (shadow_is(sock, LISTENER)) {
		/* its thread receives nothing that could be stopped */
	} else if (how & SHUT_RDWR && sock->kind == UDP) {
		channel_deafen(at->fd);
	} else if (how & SHUT_RDWR && !asleep && !(sock->past & PAST_DEAF)) {
		sock->past |= PAST_DEAF;
		if (REAL(ioctl)(at->fd, FIONREAD, &waiting) == 0)
			sock->left = (uint32_t)waiting;
	}
	if (how & (SHUT_WR | SHUT_RDWR))
		sock->past |= PAST_MUTE;
	shadow_rearm(sock);
}

SHIM int shutdown(int fd, int how)
{
	struct shadow *sock = track(fd);
	struct occasion at = OCCASION("shutdown", fd, sock);
	int rc, saved = errno;

	at.shown = SHOW_HOW;
	at.values[0] = how;

	if (!sock || !settled(decide_shutdown(sock, how), &at, &rc))
		rc = REAL(shutdown)(fd, how);
	if (sock && rc != 0 && settled(decide_shutdown_error(sock, errno), &at, &rc))
		errno = saved;
	if (sock && rc == 0 && policy.traits.shutdown_is_bits && rule_holds(SHUTDOWN_LOCAL, &at))
		shut_locally(sock, how, &at);
	if (sock && rc == 0 && shutdown_discards(sock, how)) {
		sock->past |= PAST_DEAF;
		shadow_rearm(sock);
	}
	if (sock && rc == 0 && how != SHUT_RD)
		sock->ended = 1;
	event("shutdown", fd, sock, rc);
	shadow_put(sock);
	return rc;
}
