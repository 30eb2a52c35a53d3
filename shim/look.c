/* What Java says of waiting for a descriptor, whichever call is to wait. */
#include "channel.h"
#include "library.h"
#include "python.h"
#include "wait.h"

#include <string.h>

/* CPython's socket and ssl modules wait with poll themselves; that is not the
 * program's doing. */
bool wait_is_programs_own(const void *site)
{
	const struct link_map *caller;
	const char *base;

	if (python_doing != PYTHON_NOTHING)
		return false;
	caller = library_of(site);
	base = caller ? strrchr(caller->l_name, '/') : NULL;
	return !base || strncmp(base, "/_ssl", 5) != 0;
}

/* Say a thing once a socket. */
static bool first_time(struct shadow *sock, enum told told)
{
	return !(atomic_fetch_or(&sock->told, (unsigned char)told) & told) || only_set;
}

/* A pipe, file or terminal: once a descriptor number. */
static struct verdict look_at_non_socket(int fd, const struct occasion *at)
{
	static _Atomic uint64_t told[16];
	struct verdict v = decide_wait_non_socket();
	struct occasion here = *at;
	int type, saved = errno;
	socklen_t len = sizeof type;
	uint64_t bit = 1ULL << (fd % 64);

	if (v.mode == OFF && !policy.traits.python_select_error)
		return PASS;
	if (REAL(getsockopt)(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 || errno != ENOTSOCK)
		v = PASS;
	errno = saved;
	here.fd = fd;
	if (v.mode != OFF && (fd >= 1024 || !(atomic_fetch_or(&told[fd / 64], bit) & bit) || only_set))
		v = report_finding(v, &here);
	return v;
}

/* To know what can be read, Jython looks at what is not there: a datagram read in part has no length, a
 * backlog that was refused left no queue. */
static bool stumbles(const struct shadow *sock)
{
	if (!policy.traits.channel_ends)
		return false;
	return sock->past & PAST_HALF || (sock->kind == UDP && sock->left);
}

/* What Jython says of waiting for this descriptor.  An enforced verdict with rc -1
 * fails the whole call, one with rc 0 takes the descriptor out of it. */
struct verdict wait_look_at(int fd, bool reads, const struct occasion *at)
{
	struct shadow *sock = track_unchecked(fd);
	struct occasion here = *at;
	struct verdict blocking, unmade;

	if (!sock)
		return look_at_non_socket(fd, at);
	here.fd = fd;
	here.sock = sock;
	channel_watch(sock);
	blocking = decide_wait_blocking(sock);
	unmade = decide_wait_unmade(sock);
	if (blocking.mode != OFF && first_time(sock, TOLD_BLOCKING))
		blocking = report_finding(blocking, &here);
	if (unmade.mode != OFF && first_time(sock, TOLD_UNMADE))
		unmade = report_finding(unmade, &here);
	if (!enforced(blocking) && enforced(unmade))
		blocking = unmade;
	if (reads && stumbles(sock) && python_called(at->site))
		blocking = rule_fail(SELECT_UNMADE, policy.traits.python_select_error);
	if (enforced(blocking) && !track_confirm(fd, sock))
		blocking = PASS;
	shadow_put(sock);
	return blocking;
}

/* --- what only a channel knows ------------------------------------------- */

/* Of the channel that the socket has now. */
static struct view own_view(struct shadow *sock, int fd)
{
	if (sock->past & PAST_NEVER)
		return (struct view){ .hide = true };
	if (sock->past & PAST_OVER)
		return (struct view){ .drop = POLLIN, .force = POLLOUT };
	if (sock->link == IDLE)
		return (struct view){ .force = POLLIN | POLLOUT };
	if (sock->past & PAST_DEAF && !sock->left && channel_discard(fd))
		return (struct view){ .drop = POLLIN };
	return (struct view){ 0 };
}

static struct view client_view(struct shadow *sock, int fd)
{
	struct view view;

	channel_refresh(sock, fd);
	view = own_view(sock, fd);
	if (sock->parked && former_is_ready(sock, SPEAKS))
		view.force |= POLLIN;
	if (sock->past & PAST_CLOSED || (sock->parked && former_has_closed(sock)))
		view.force |= POLLOUT;
	if (sock->past & PAST_BROKEN) { /* it is asked for connections now */
		view.drop = POLLIN;
		view.force &= ~POLLIN;
		if (former_is_ready(sock, LISTENS))
			view.force |= POLLIN;
	}
	return view;
}

static struct view listener_view(const struct shadow *sock)
{
	struct view view = { .hide = sock->past & PAST_BROKEN }; /* which is no listener for the kernel */

	if (!(sock->past & PAST_UNREADY) || sock->past & PAST_CLOSED || (sock->parked && former_has_closed(sock)))
		view.force = POLLOUT;
	if (sock->past & PAST_TURNED)
		view.drop = POLLIN;
	if (sock->parked && former_is_ready(sock, sock->past & PAST_TURNED ? SPEAKS : LISTENS))
		view.force |= POLLIN;
	return view;
}

static struct view datagram_view(struct shadow *sock, int fd)
{
	bool serves = channel_is_half(sock); /* it is asked for connections now */
	int error = 0, waiting = 0;
	socklen_t len = sizeof error;

	REAL(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (!shadow_is(sock, DEAD) && !channel_is_hollow(sock))
		return (struct view){ .drop = serves ? POLLIN : 0 };
	REAL(ioctl)(fd, FIONREAD, &waiting);
	return (struct view){ .hide = true, .force = waiting && !serves ? POLLIN : 0 };
}

struct view wait_view(int fd, const struct occasion *at)
{
	struct shadow *sock = policy.traits.channel_ends && rule_holds(POLL_QUIET, at) ? track_unchecked(fd) : NULL;
	struct view view = { 0 };

	if (!sock || !track_confirm(fd, sock))
		view = (struct view){ 0 };
	else if (shadow_is(sock, LISTENER))
		view = listener_view(sock);
	else if (shadow_is(sock, CLIENT))
		view = client_view(sock, fd);
	else if (sock->kind == UDP && !shadow_is(sock, UNMADE))
		view = datagram_view(sock, fd);
	shadow_put(sock);
	return view;
}
