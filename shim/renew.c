/* A socket begins anew: its descriptors stay, the kernel's socket behind them is
 * another.  What was registered with epoll for the old one is gone with it. */
#include "channel.h"
#include "connect.h"
#include "settings.h"

#include <string.h>

struct renewal {
	struct shadow *sock;
	int fresh;
	bool flagged; /* O_NONBLOCK and its like have been carried over */
};

static void replace(int fd, struct shadow *sock, void *context)
{
	struct renewal *renewal = context;
	int flags = REAL(fcntl)(fd, F_GETFD);

	if (sock != renewal->sock || flags < 0)
		return;
	if (!renewal->flagged) {
		REAL(fcntl)(renewal->fresh, F_SETFL, REAL(fcntl)(fd, F_GETFL));
		renewal->flagged = true;
	}
	REAL(dup3)(renewal->fresh, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
}

static socklen_t anywhere(int family, struct address *name)
{
	memset(name, 0, sizeof *name);
	name->any.sa_family = (sa_family_t)family;
	return family == AF_INET6 ? sizeof name->in6 : sizeof name->in;
}

/* A listener may reuse its address unless told otherwise: Java's default. */
static void before_bind(const struct shadow *sock, int fd, enum role role)
{
	const int on = 1;

	if (role == LISTENER)
		REAL(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	settings_before_bind(sock, fd);
}

struct vacancy {
	in_port_t port;
	bool found;
};

static void vacate(int fd, struct shadow *sock, void *context)
{
	struct vacancy *vacancy = context;
	struct address name;
	const int on = 1;

	if (sock->kind != TCP || !shadow_is(sock, CLIENT) || !track_confirm(fd, sock) ||
	    !(sock->link == CONNECTING ? connect_state(fd) == IDLE : channel_closed(sock, fd)))
		return;
	if (track_kernel_name(fd, &name) && name.in.sin_port == vacancy->port &&
	    REAL(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0)
		vacancy->found = true;
}

/* A channel that has closed has left its port, while Linux keeps that for as long as there
 * is a descriptor: bind beside it. */
static int bind_beside(int fd, const struct address *name, socklen_t len)
{
	struct vacancy vacancy = { name->in.sin_port, false };
	int before = 0, err;
	socklen_t size = sizeof before;

	if (vacancy.port)
		fdtable_each(vacate, &vacancy);
	if (!vacancy.found || REAL(getsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &before, &size) != 0)
		return EADDRINUSE;
	REAL(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	err = REAL(bind)(fd, &name->any, len) == 0 ? 0 : errno;
	REAL(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &before, sizeof before);
	return err;
}

int channel_bind(struct shadow *sock, int fd, enum role role)
{
	struct address name;
	socklen_t len = shadow_recall(sock, &sock->name, &name) && name.len ? name.len : anywhere(sock->family, &name);

	before_bind(sock, fd, role);
	if (REAL(bind)(fd, &name.any, len) == 0)
		return 0;
	return errno == EADDRINUSE ? bind_beside(fd, &name, len) : errno;
}

/* A closed channel keeps no port from anybody; what it had received may still be told to
 * the listener that the socket becomes. */
static void keep_closed(struct shadow *sock, int fd, enum role role)
{
	const int on = 1;

	if (!(sock->past & (PAST_NEVER | PAST_ASLEEP)))
		sock->past |= PAST_CLOSED;
	if (role != LISTENER || sock->past & PAST_OVER)
		return;
	REAL(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	former_keep(sock, fd);
}

/* Linux would have let the socket be. */
static int again_failed(int err, const struct occasion *at)
{
	err = mapped(decide_bind_error(err), at, err);
	report_finding(rule_fail(RECONNECT, err), at);
	return err;
}

/* Nobody hears that the listen was refused: what there was has gone, all the same. */
static bool gives_way(const struct shadow *sock, enum role role)
{
	return role == LISTENER && !shadow_is(sock, LISTENER) && shadow_timing(sock, SEND) == NONBLOCKING;
}

int channel_renew(struct shadow *sock, int type, enum role role, const struct occasion *at)
{
	struct renewal renewal = { sock, -1, false };
	bool closed = channel_closed(sock, at->fd), replaced = closed;
	int err;

	renewal.fresh = REAL(socket)(sock->family, type | SOCK_CLOEXEC, 0);
	if (renewal.fresh < 0)
		return errno;
	sock->coming = track_cookie(renewal.fresh); /* other threads may come between */
	if (closed) { /* its port is free again */
		keep_closed(sock, at->fd, role);
		fdtable_each(replace, &renewal);
	}
	err = channel_bind(sock, renewal.fresh, role);
	if (!err)
		settings_apply(sock, renewal.fresh, role);
	if (!closed && (!err || gives_way(sock, role))) {
		former_keep(sock, at->fd);
		fdtable_each(replace, &renewal);
		replaced = true;
	}
	if (replaced)
		track_renewed(sock, at->fd, type);
	sock->coming = 0;
	if (!err && role == CLIENT)
		former_forget(sock);
	else if (!err)
		former_unlisten(sock);
	REAL(close)(renewal.fresh);
	return err ? again_failed(err, at) : 0;
}
