/* Sockets coming into being: socket, socketpair, accept. */
#include "channel.h"
#include "python.h"

/* Jython 2.7 looks at family, type and protocol only when there is an address to look
 * up: until then this is a socket like others. */
static int misfit(int type)
{
	int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC), plain = type & ~flags;
	int fd = REAL(socket)(AF_INET, (plain == SOCK_DGRAM ? SOCK_DGRAM : SOCK_STREAM) | flags, 0);
	struct shadow *sock;

	if (fd < 0)
		return fd;
	track_new(fd, AF_INET, (plain == SOCK_DGRAM ? SOCK_DGRAM : SOCK_STREAM) | flags, 0);
	sock = track_unchecked(fd);
	if (sock)
		sock->past |= plain == SOCK_DGRAM || plain == SOCK_STREAM ? PAST_MISFIT : PAST_TYPELESS;
	shadow_put(sock);
	return fd;
}

SHIM int socket(int domain, int type, int protocol)
{
	struct occasion at = OCCASION("socket", -1, NULL);
	struct verdict v;
	bool misfits;
	int fd;

	at.shown = SHOW_SOCKET;
	at.values[0] = domain;
	at.values[1] = type;
	at.values[2] = protocol;

	start_once();
	python_look(at.site);
	v = decide_socket(domain, type, protocol);
	if (settled(for_python(v, v.rule == SOCKET_FAMILY && family_is_refused(domain) && python_called(at.site)), &at, &fd))
		return fd;
	misfits = v.rule == SOCKET_FAMILY && policy.traits.python_families == 2 && enforced(for_python(v, python_called(at.site)));
	/* Root could have a raw one. */
	fd = misfits && (domain == AF_INET || domain == AF_INET6) ? -1 : REAL(socket)(domain, type, protocol);
	if (fd < 0 && misfits)
		return misfit(type);
	if (fd >= 0)
		track_new(fd, domain, type, protocol);
	return fd;
}

SHIM int socketpair(int domain, int type, int protocol, int fds[2])
{
	struct occasion at = OCCASION("socketpair", -1, NULL);
	int rc;

	at.shown = SHOW_SOCKET;
	at.values[0] = domain;
	at.values[1] = type;
	at.values[2] = protocol;

	start_once();
	python_look(at.site);
	if (settled(decide_socketpair(domain), &at, &rc))
		return rc;
	rc = REAL(socketpair)(domain, type, protocol, fds);
	if (rc == 0)
		for (int end = 0; end < 2; end++)
			track_new(fds[end], domain, type, protocol);
	return rc;
}

static int accept_any(int fd, __SOCKADDR_ARG addr, socklen_t *len, int flags, struct occasion *at)
{
	struct shadow *sock;
	int rc, from;

	start_once();
	python_look(at->site);
	sock = fdtable_get(fd);
	if (!sock)
		sock = track_for(fd, at->call, at->site);
	at->sock = sock == &fdtable_foreign ? NULL : sock;
	if (at->sock)
		track_shared(fd, sock, at->call, at->site);
	from = at->sock && sock->parked ? former_listener(sock, fd) : fd;
	rc = flags < 0 ? REAL(accept)(from, addr, len) : REAL(accept4)(from, addr, len, flags);
	if (rc < 0 && (errno == EINVAL || errno == EOPNOTSUPP) && at->sock && sock->past & (PAST_BROKEN | PAST_LISTENED))
		errno = EAGAIN; /* it waits for a listener that is no more, or never was */
	if (rc >= 0)
		track_accepted(rc, sock, flags < 0 ? 0 : flags);
	else if (at->sock && errno == EAGAIN && sock->timeout_zero[RECEIVE])
		errno = mapped(decide_expired(sock, RECEIVE), at, EAGAIN);
	shadow_put(sock);
	return rc;
}

SHIM int accept(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len)
{
	struct occasion at = OCCASION("accept", fd, NULL);

	return accept_any(fd, addr, len, -1, &at);
}

SHIM int accept4(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len, int flags)
{
	struct occasion at = OCCASION("accept4", fd, NULL);

	if (flags < 0)
		return REAL(accept4)(fd, addr, len, flags);
	return accept_any(fd, addr, len, flags, &at);
}
