/* A socket begins anew: its descriptors stay, the kernel's socket behind them is
 * another.  What was registered with epoll for the old one is gone with it. */
#include "channel.h"
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

int channel_bind(const struct shadow *sock, int fd, enum role role)
{
	struct address name = sock->name;
	socklen_t len = name.len ? name.len : anywhere(sock->family, &name);

	before_bind(sock, fd, role);
	return REAL(bind)(fd, &name.any, len) == 0 ? 0 : errno;
}

enum { OUT_OF_THE_WAY = 700 }; /* above the descriptors that programs count on */

/* Netty never closes the channel that it had before: a listener goes on listening, a
 * peer sees no end.  The old socket lives as long as the shadow. */
static void park(struct shadow *sock, int fd)
{
	int kept = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);

	if (kept >= 0 && !settings_park(sock, kept, sock->cookie))
		REAL(close)(kept);
}

int channel_listener(const struct shadow *sock, int fd)
{
	int listening = 0;
	socklen_t len = sizeof listening;

	if (!(sock->past & PAST_LISTENED) || shadow_is(sock, LISTENER))
		return fd;
	for (int number = sock->parked - 1; number >= 0; number--) {
		int parked = settings_parked(sock, number);

		if (REAL(getsockopt)(parked, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening)
			return parked;
	}
	return fd;
}

void channel_over(struct shadow *sock)
{
	int fd, saved = errno;
	uint64_t cookie;

	/* The program may have closed descriptors that it does not know. */
	while ((fd = settings_part(sock, &cookie)) >= 0) {
		struct shadow former = { .cookie = cookie };

		if (track_confirm(fd, &former))
			REAL(close)(fd);
	}
	errno = saved;
}

int channel_renew(struct shadow *sock, int type, enum role role, const struct occasion *at)
{
	struct renewal renewal = { sock, -1, false };
	bool closed = channel_closed(sock, at->fd);
	int err;

	renewal.fresh = REAL(socket)(sock->family, type | SOCK_CLOEXEC, 0);
	if (renewal.fresh < 0)
		return errno;
	if (closed) /* its port is free again */
		fdtable_each(replace, &renewal);
	err = channel_bind(sock, renewal.fresh, role);
	if (!err) {
		settings_apply(sock, renewal.fresh, role);
		if (!closed) {
			park(sock, at->fd);
			fdtable_each(replace, &renewal);
		}
	}
	if (!err || closed)
		track_renewed(sock, at->fd, type);
	REAL(close)(renewal.fresh);
	return err ? mapped(decide_bind_error(err), at, err) : 0;
}
