/* From an fd to its shadow, and from the kernel's facts to a shadow. */
#include "python.h"
#include "settings.h"

#include <netinet/tcp.h>
#include <sys/time.h>

static bool ask(int fd, int option, int *value)
{
	socklen_t len = sizeof *value;

	return REAL(getsockopt)(fd, SOL_SOCKET, option, value, &len) == 0;
}

uint64_t track_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof cookie;
	int saved = errno;

	if (REAL(getsockopt)(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) != 0)
		cookie = 0;
	errno = saved;
	return cookie;
}

/* 0: not a kind that Java knows. */
static bool kind_of(int domain, int type, int protocol, enum kind *kind)
{
	if (domain != AF_INET && domain != AF_INET6)
		return false;
	if (type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP))
		*kind = TCP;
	else if (type == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP))
		*kind = UDP;
	else
		return false;
	return true;
}

/* Put the shadow of a socket that has just been made into its slot. */
static struct shadow *enter(int fd, enum kind kind, int family)
{
	struct shadow *sock = shadow_new(kind, family);

	if (sock) {
		sock->cookie = track_cookie(fd);
		sock->pid = (int)getpid();
		sock->python = python_default_timing;
		sock->forever = python_default_forever;
	}
	return sock;
}

void track_new(int fd, int domain, int type, int protocol)
{
	int plain = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct shadow *sock;
	enum kind kind;

	if (!kind_of(domain, plain, protocol, &kind)) {
		fdtable_set(fd, &fdtable_foreign);
		return;
	}
	sock = enter(fd, kind, domain);
	if (sock && type & SOCK_NONBLOCK)
		sock->nonblocking = 1;
	fdtable_set(fd, sock);
	event("socket", fd, sock, 0);
	shadow_put(sock);
}

static bool keep_peer(int fd, struct shadow *sock)
{
	struct address peer = { .len = sizeof peer.in6 };
	int saved = errno;

	if (REAL(getpeername)(fd, &peer.any, &peer.len) == 0)
		return shadow_keep(sock, &sock->peer, &peer.any, peer.len);
	errno = saved;
	return false;
}

void track_accepted(int fd, const struct shadow *listener, int flags)
{
	struct shadow *sock;

	if (!listener || listener == &fdtable_foreign || listener->kind != TCP) {
		fdtable_set(fd, listener ? &fdtable_foreign : NULL);
		return;
	}
	sock = enter(fd, TCP, listener->family);
	if (sock) {
		sock->nonblocking = (flags & SOCK_NONBLOCK) != 0;
		sock->forever = sock->python && policy.traits.accepted_blocks && rule_mode(SUBMILLISECOND_TIMEOUT) == ENFORCE;
		if (policy.traits.accepted_sleeps)
			sock->past = PAST_ASLEEP | PAST_TRIED | PAST_ACCEPTED | PAST_KINLESS;
		sock->type = listener->type;
		if (listener->type == UDP) /* the child takes it for its type, beside TCP */
			sock->past |= PAST_MISFIT;
		track_role(sock, CLIENT, CONNECTED);
		if (rule_active(REMEMBERED_PEER))
			keep_peer(fd, sock);
		if (rule_mode(ACCEPT_INHERITS) == ENFORCE) {
			settings_copy(listener, sock);
			settings_apply(sock, fd, CLIENT);
		}
	}
	fdtable_set(fd, sock);
	event("accept", fd, sock, 0);
	shadow_put(sock);
}

bool track_kernel_name(int fd, struct address *name)
{
	*name = (struct address){ .len = sizeof name->in6 };
	if (REAL(getsockname)(fd, &name->any, &name->len) != 0)
		return false;
	return (name->any.sa_family == AF_INET6 ? name->in6.sin6_port : name->in.sin_port) != 0;
}

/* Which role does the kernel's state of a TCP socket amount to? */
static void classify_tcp(int fd, struct shadow *sock)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;
	int listening = 0;

	ask(fd, SO_ACCEPTCONN, &listening);
	if (listening) {
		track_role(sock, LISTENER, IDLE);
		return;
	}
	if (REAL(getsockopt)(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return;
	if (info.tcpi_state == TCP_SYN_SENT || info.tcpi_state == TCP_SYN_RECV)
		track_role(sock, CLIENT, CONNECTING);
	else if (info.tcpi_state != TCP_CLOSE)
		track_role(sock, CLIENT, CONNECTED);
}

static void classify_timeout(int fd, int option, struct shadow *sock, int direction)
{
	struct timeval value = { 0, 0 };
	socklen_t len = sizeof value;

	if (REAL(getsockopt)(fd, SOL_SOCKET, option, &value, &len) == 0)
		sock->timeout_set[direction] = value.tv_sec || value.tv_usec;
}

static void classify_names(int fd, struct shadow *sock)
{
	struct address name;

	if (track_kernel_name(fd, &name)) {
		shadow_keep(sock, &sock->name, &name.any, name.len);
		sock->naming = BOUND;
	}
	if (keep_peer(fd, sock)) {
		if (sock->kind == UDP)
			track_role(sock, DATAGRAM, CONNECTED);
	} else if (sock->kind == UDP && sock->naming == BOUND) {
		track_role(sock, DATAGRAM, IDLE);
	}
}

/* The shadow of a socket met in the middle of its life; NULL: none of ours. */
static struct shadow *from_kernel(int fd)
{
	int domain, type, protocol;
	struct shadow *sock;
	enum kind kind;

	if (!ask(fd, SO_DOMAIN, &domain) || !ask(fd, SO_TYPE, &type) || !ask(fd, SO_PROTOCOL, &protocol))
		return NULL;
	if (!kind_of(domain, type, protocol, &kind)) {
		fdtable_set(fd, &fdtable_foreign);
		return NULL;
	}
	sock = enter(fd, kind, domain);
	if (!sock)
		return NULL;
	sock->nonblocking = (REAL(fcntl)(fd, F_GETFL) & O_NONBLOCK) != 0;
	classify_timeout(fd, SO_RCVTIMEO, sock, RECEIVE);
	classify_timeout(fd, SO_SNDTIMEO, sock, SEND);
	if (kind == TCP)
		classify_tcp(fd, sock);
	classify_names(fd, sock);
	shadow_rearm(sock);
	return sock;
}

static struct shadow *classify(int fd)
{
	int saved = errno;
	struct shadow *sock = from_kernel(fd);

	/* What we cannot keep we must not decide on: a bind would be forgotten. */
	if (sock && !fdtable_set(fd, sock)) {
		shadow_put(sock);
		sock = NULL;
	}
	errno = saved;
	return sock;
}

bool track_confirm(int fd, const struct shadow *sock)
{
	/* Twice: another thread may have replaced the kernel's socket between our looks at
	 * it and at the shadow. */
	for (int look = 0; look < 2; look++) {
		uint64_t cookie = track_cookie(fd);

		if (cookie == sock->cookie || (cookie && cookie == sock->coming))
			return true;
	}
	return false;
}

struct shadow *track_unchecked(int fd)
{
	struct shadow *sock = fdtable_get(fd);

	if (sock == &fdtable_foreign) {
		shadow_put(sock);
		return NULL;
	}
	return sock;
}

void track_shared(int fd, struct shadow *sock, const char *call, void *site)
{
	struct occasion at = { .call = call, .fd = fd, .sock = sock, .site = site, .level = -1 };

	if (!rule_active(FD_PASSING) || sock->pid == fdtable_owner() ||
	    atomic_fetch_or(&sock->told, TOLD_SHARED) & TOLD_SHARED)
		return;
	report_finding(decide_fd_passing(), &at);
}

struct shadow *track_for(int fd, const char *call, void *site)
{
	struct shadow *sock;

	start_once();
	sock = fdtable_get(fd);
	if (sock == &fdtable_foreign) {
		shadow_put(sock);
		return NULL;
	}
	if (sock && track_confirm(fd, sock)) {
		track_shared(fd, sock, call, site);
		return sock;
	}
	if (sock) {
		shadow_put(sock);
		fdtable_clear(fd);
	}
	return classify(fd);
}

void track_arrived(int fd)
{
	fdtable_clear(fd);
	shadow_put(track(fd));
}

void track_inherited(int fd)
{
	struct shadow *sock = track(fd);
	struct occasion at = { "start", fd, sock, NULL, -1, 0 };

	if (sock)
		report_finding(decide_fd_passing(), &at);
	shadow_put(sock);
}

void track_renewed(struct shadow *sock, int fd, int type)
{
	sock->cookie = track_cookie(fd);
	sock->coming = 0;
	sock->kind = type == SOCK_STREAM ? TCP : UDP;
	sock->past &= PAST_LASTING | PAST_UNNAMED;
	sock->ended = 0;
	sock->left = 0;
	sock->woken = 0;
	settings_forget_name(sock);
}

/* The data path of a connected client calls these without a look whether they
 * have been found. */
static void resolve_sends(void)
{
	(void)REAL(send);
	(void)REAL(sendto);
	(void)REAL(sendmsg);
}

void track_role(struct shadow *sock, enum role role, enum link link)
{
	resolve_sends();
	atomic_store(&sock->link, (unsigned char)link);
	atomic_store(&sock->role, (unsigned char)role);
	shadow_rearm(sock);
}
