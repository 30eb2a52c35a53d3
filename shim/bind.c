/* bind and listen: what they ask for, and when the kernel is told. */
#include "shim.h"
#include "channel.h"
#include "python.h"
#include "settings.h"

/* The kernel would refuse this address whatever else happens: its errno, or 0.
 * (net/ipv4/af_inet.c and net/ipv6/af_inet6.c, bind.) */
static int bad_address(const struct shadow *sock, const void *addr, socklen_t len)
{
	const struct sockaddr *any = addr;
	socklen_t least = sock->family == AF_INET6 ? offsetof(struct sockaddr_in6, sin6_scope_id) :
						     (socklen_t)sizeof(struct sockaddr_in);

	if ((int)len < 0 || len > sizeof(struct sockaddr_storage))
		return EINVAL;
	if (!readable(addr, len))
		return EFAULT;
	if (len < least)
		return EINVAL;
	if (any->sa_family == sock->family)
		return 0;
	if (sock->family == AF_INET && any->sa_family == AF_UNSPEC &&
	    ((const struct sockaddr_in *)addr)->sin_addr.s_addr == INADDR_ANY)
		return 0;
	return EAFNOSUPPORT;
}

static int fail(int err)
{
	errno = err;
	return -1;
}

/* A bind that Linux has just refused: Jython would say so at listen or connect.
 * True: so do we, at this place. */
static bool bind_fails_later(struct shadow *sock, const void *addr, socklen_t len, const struct occasion *at)
{
	struct verdict v = rule_answer(DEFERRED_BIND, 0, 0);
	int error = errno;

	if (sock->kind != TCP || !shadow_is(sock, UNMADE) || bad_address(sock, addr, len) ||
	    (error != EADDRINUSE && error != EADDRNOTAVAIL && error != EACCES))
		return false;
	return enforced(report_finding(v, at));
}

static int bind_now(struct shadow *sock, const void *addr, socklen_t len, const struct occasion *at)
{
	struct verdict late = sock->kind == UDP ? decide_made(sock, DATAGRAM) : PASS;
	int rc, err;

	settings_before_bind(sock, at->fd);
	rc = REAL(bind)(at->fd, addr, len);

	if (rc == 0 || !bad_address(sock, addr, len))
		shadow_keep(sock, &sock->name, addr, len);
	if (rc != 0 && bind_fails_later(sock, addr, len, at)) {
		pending_keep(sock, addr, len);
		return 0;
	}
	if (rc != 0) {
		if (sock->name.len && sock->kind == UDP)
			atomic_store(&sock->naming, REFUSED);
		errno = mapped(decide_bind_error(errno), at, errno);
		return rc;
	}
	atomic_store(&sock->naming, BOUND);
	if (sock->kind == UDP) {
		track_role(sock, DATAGRAM, sock->link);
		err = settings_apply(sock, at->fd, DATAGRAM);
		if (!settled(late, at, &rc) && err)
			return fail(err);
	}
	return rc;
}

static int bind_deferred(struct shadow *sock, const void *addr, socklen_t len)
{
	int err = bad_address(sock, addr, len);

	if (!err && atomic_load(&sock->naming) != UNNAMED)
		err = EINVAL;
	if (err)
		return fail(err);
	pending_keep(sock, addr, len);
	return 0;
}

static bool is_wildcard(const void *addr)
{
	const struct sockaddr_in6 *in6 = addr;
	const struct sockaddr_in *in = addr;

	return in->sin_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr) : in->sin_addr.s_addr == INADDR_ANY;
}

/* The last bind counts, for whatever the socket becomes next; a UDP socket is made by
 * the first. */
static int bind_again(struct shadow *sock, const void *addr, socklen_t len, const struct occasion *at)
{
	int err = bad_address(sock, addr, len), rc;

	/* An accepted socket has forgotten its family, and so the wildcard of it: ''. */
	if (!err && sock->past & PAST_KINLESS && is_wildcard(addr) && python_called(at->site))
		err = EINVAL;
	if (err)
		return fail(err);
	if (sock->kind == UDP && shadow_is(sock, UNMADE) && !channel_is_half(sock)) {
		rc = bind_now(sock, addr, len, at);
		channel_note(sock, rc == 0 ? 0 : errno);
		if (rc != 0)
			track_role(sock, DATAGRAM, IDLE);
		return rc != 0 && shadow_timing(sock, SEND) == NONBLOCKING ? 0 : rc;
	}
	if (shadow_is(sock, UNMADE))
		pending_keep(sock, addr, len);
	else
		shadow_keep(sock, &sock->name, addr, len);
	return 0;
}

SHIM int bind(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	struct shadow *sock = track(fd);
	struct occasion at = OCCASION("bind", fd, sock);
	const void *name = addr.__sockaddr__;
	int rc;

	if (!sock)
		return REAL(bind)(fd, addr, len);
	python_look(at.site);
	if (channel_begins_anew() && (sock->kind == UDP || bind_is_deferred(sock)))
		rc = bind_again(sock, name, len, &at);
	else if (!settled(decide_bind(sock), &at, &rc))
		rc = bind_is_deferred(sock) && !only_set && shadow_is(sock, UNMADE) ? bind_deferred(sock, name, len) :
									   bind_now(sock, name, len, &at);
	event("bind", fd, sock, rc);
	shadow_put(sock);
	return rc;
}

static int listen_tcp(struct shadow *sock, int backlog, const struct occasion *at)
{
	struct verdict late = decide_made(sock, LISTENER), v = decide_backlog(backlog);
	int rc, err;

	if (settled(decide_listen(sock), at, &rc))
		return rc;
	v = report_finding(v, at);
	if (enforced(v) && v.rc < 0)
		return fail(v.err);
	if (enforced(v))
		backlog = v.rc;
	if (sock->naming == UNNAMED)
		settings_before_bind(sock, at->fd);
	err = pending_bind(sock, at);
	if (err)
		return fail(err);
	rc = REAL(listen)(at->fd, backlog);
	if (rc != 0) {
		errno = mapped(decide_bind_error(errno), at, errno);
		return rc;
	}
	track_role(sock, LISTENER, IDLE);
	err = settings_apply(sock, at->fd, LISTENER);
	if (settled(late, at, &rc) || !err)
		return rc;
	return fail(err);
}

/* Another kernel socket, if this one was used before, and the listen on it. */
static int listener_made(struct shadow *sock, int backlog, const struct occasion *at)
{
	bool unmade = shadow_is(sock, UNMADE) && sock->kind == TCP;
	int err = unmade ? channel_bind(sock, at->fd, LISTENER) : channel_renew(sock, SOCK_STREAM, LISTENER, at);
	struct address name;

	if (unmade && err == EINVAL && track_kernel_name(at->fd, &name))
		err = 0; /* made already by another process */
	if (unmade && err)
		return pending_failed(err, at);
	if (unmade)
		settings_apply(sock, at->fd, LISTENER);
	if (python_called(at->site))
		backlog += policy.traits.accept_ahead;
	if (!err && REAL(listen)(at->fd, backlog) != 0)
		err = errno;
	return err ? mapped(decide_bind_error(err), at, err) : 0;
}

/* What is to be noted of a refused listen.  A listener goes on, with an empty queue;
 * anything else is none, though Jython thinks so where it waits for nothing. */
static unsigned listen_failed(struct shadow *sock, int fd)
{
	bool unseen = shadow_timing(sock, SEND) == NONBLOCKING;

	former_unlisten(sock);
	if (shadow_is(sock, LISTENER) && !(sock->past & PAST_BROKEN)) {
		former_ignore(sock, fd);
		return unseen ? PAST_UNNAMED | PAST_UNREADY : PAST_UNNAMED;
	}
	return unseen || !shadow_is(sock, UNMADE) ? PAST_BROKEN | PAST_UNNAMED | PAST_UNREADY : PAST_BROKEN | PAST_UNNAMED;
}

static int listen_anew(struct shadow *sock, int backlog, const struct occasion *at)
{
	struct verdict v = report_finding(decide_backlog(backlog), at);
	unsigned before, failed, slept;
	int err;

	if (enforced(v) && v.rc < 0) {
		sock->past |= !(sock->past & PAST_LISTENED) ? PAST_HALF : shadow_is(sock, CLIENT) ? PAST_BROKEN : 0;
		return fail(v.err);
	}
	channel_refresh(sock, at->fd);
	before = shadow_past(sock);
	slept = channel_slumber(sock);
	if (sock->kind == UDP)
		before |= shadow_is(sock, UNMADE) ? PAST_DATAGRAM : PAST_DATAGRAM | PAST_TRIED;
	else if (shadow_is(sock, CLIENT))
		before = (before & ~(unsigned)PAST_CONNECTED) | (sock->link == CONNECTED ? PAST_CONNECTED : 0);
	err = listener_made(sock, backlog, at);
	channel_note(sock, err);
	failed = err ? listen_failed(sock, at->fd) : 0;
	if (err && shadow_timing(sock, SEND) != NONBLOCKING) {
		sock->past |= failed;
		return fail(err);
	}
	sock->past = ((before | (sock->past & PAST_CLOSED)) & PAST_LASTING) | failed | slept | PAST_LISTENED;
	pending_done(sock);
	sock->kind = TCP;
	track_role(sock, LISTENER, IDLE);
	return 0;
}

SHIM int listen(int fd, int backlog)
{
	struct shadow *sock = track(fd);
	struct occasion at = OCCASION("listen", fd, sock);
	int rc;

	at.shown = SHOW_BACKLOG;
	at.values[0] = backlog;

	if (sock && channel_begins_anew() && (sock->kind == TCP || policy.traits.datagram_listens)) {
		python_look(at.site);
		rc = listen_anew(sock, backlog, &at);
	} else if (!sock || sock->kind != TCP) {
		rc = REAL(listen)(fd, backlog);
	} else {
		python_look(at.site);
		rc = listen_tcp(sock, backlog, &at);
	}
	event("listen", fd, sock, rc);
	shadow_put(sock);
	return rc;
}
