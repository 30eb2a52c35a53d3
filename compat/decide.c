/* The decisions about names, connections and roles. */
#include "decide.h"

#include <errno.h>

static unsigned char get(const _Atomic unsigned char *field)
{
	return atomic_load_explicit(field, memory_order_acquire);
}

static bool zero_timeout_armed(const struct shadow *sock, int direction)
{
	return get(&sock->timeout_zero[direction]) && rule_active(ZERO_TIMEOUT);
}

static unsigned armed_tcp(const struct shadow *sock)
{
	const unsigned both = ARMED_SEND | ARMED_SENDTO | ARMED_RECV | ARMED_RECVFROM;
	unsigned bits = 0;

	switch ((enum role)get(&sock->role)) {
	case UNMADE:
	case LISTENER:
		return rule_active(UNCONNECTED_IO) ? both : 0;
	case DEAD:
		return rule_active(ONE_LIFE) ? both : 0;
	case CLIENT:
		break;
	case DATAGRAM:
		return 0;
	}
	if (get(&sock->link) != CONNECTED)
		return both;
	if (policy.traits.channel_ends)
		return both;
	if (policy.traits.tcp_sendto_error)
		bits |= ARMED_SENDTO;
	if (policy.traits.reset_lasts || shadow_past(sock))
		bits |= ARMED_RECV | ARMED_RECVFROM;
	return bits | (rule_mode(ERRNO_MAP) == ENFORCE ? ARMED_PIPE :
		       rule_active(ERRNO_MAP) ? ARMED_SEND | ARMED_SENDTO : 0);
}

static unsigned armed_udp(const struct shadow *sock)
{
	bool made = get(&sock->role) == DATAGRAM;
	bool connected = get(&sock->link) == CONNECTED;
	unsigned bits = 0;

	if (!connected && rule_active(UNCONNECTED_IO))
		bits |= ARMED_SEND;
	if (policy.traits.empty_datagrams != 2)
		bits |= ARMED_SEND | ARMED_SENDTO;
	if (policy.traits.huge_datagram_error)
		bits |= ARMED_SEND;
	if (policy.traits.datagram_errors_lost)
		bits |= ARMED_RECV | ARMED_RECVFROM | ARMED_SENDTO;
	if (!made)
		bits |= ARMED_SENDTO;
	if (!made && rule_active(UNCONNECTED_IO))
		bits |= ARMED_RECV | ARMED_RECVFROM;
	if ((connected && rule_active(UDP_CONNECT)) || rule_active(ERRNO_MAP))
		bits |= ARMED_SENDTO;
	if (rule_active(UDP_NULL_SOURCE) && shadow_timing(sock, RECEIVE) == TIMEOUT)
		bits |= ARMED_RECVFROM;
	return bits;
}

unsigned decide_armed(const struct shadow *sock)
{
	unsigned bits = sock->kind == TCP ? armed_tcp(sock) : armed_udp(sock);

	if (zero_timeout_armed(sock, RECEIVE))
		bits |= ARMED_RECV | ARMED_RECVFROM;
	if (zero_timeout_armed(sock, SEND))
		bits |= ARMED_SEND | ARMED_SENDTO;
	if (rule_active(RECV_FLAGS))
		bits |= ARMED_FLAGS;
	return bits;
}

/* Only the families and types that java.net has; checked in Jython's order. */
struct verdict decide_socket(int domain, int type, int protocol)
{
	int plain = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (domain != AF_INET && domain != AF_INET6)
		return rule_fail(SOCKET_FAMILY, EAFNOSUPPORT);
	if (plain != SOCK_STREAM && plain != SOCK_DGRAM)
		return rule_fail(SOCKET_FAMILY, ESOCKTNOSUPPORT);
	if (protocol != 0 && protocol != (plain == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
		return rule_fail(SOCKET_FAMILY, EPROTONOSUPPORT);
	return PASS;
}

/* 2.7 takes any number, but knows few names. */
bool family_is_refused(int domain)
{
	bool linux_only = domain > AF_INET && domain < AF_MAX && domain != AF_INET6;

	return policy.traits.python_families == 1 || (policy.traits.python_families == 2 && linux_only);
}

struct verdict decide_socketpair(int domain)
{
	(void)domain;
	return rule_fail(SOCKET_FAMILY, EAFNOSUPPORT);
}

struct verdict decide_bind(const struct shadow *sock)
{
	if (rule_mode(RECONNECT) == ENFORCE)
		return PASS;
	if (get(&sock->role) != UNMADE || get(&sock->naming) != UNNAMED)
		return rule_fail(ONE_LIFE, EINVAL);
	return PASS;
}

bool bind_is_deferred(const struct shadow *sock)
{
	return sock->kind == TCP && rule_mode(DEFERRED_BIND) == ENFORCE;
}

/* Jython maps java.net.BindException, whatever its cause, to EADDRINUSE. */
struct verdict decide_bind_error(int error)
{
	if (error == EADDRNOTAVAIL || error == EACCES)
		return rule_fail(ERRNO_MAP, EADDRINUSE);
	return PASS;
}

struct verdict decide_listen(const struct shadow *sock)
{
	if (sock->kind == TCP && get(&sock->role) != UNMADE)
		return rule_fail(ONE_LIFE, EINVAL);
	return PASS;
}

struct verdict decide_backlog(int backlog)
{
	if (backlog > 0)
		return PASS;
	if (policy.traits.default_backlog == 0)
		return rule_fail(LISTEN_BACKLOG, EINVAL);
	return rule_answer(LISTEN_BACKLOG, policy.traits.default_backlog, 0);
}

struct verdict decide_connect(const struct shadow *sock)
{
	if (sock->kind == UDP && get(&sock->role) == DEAD)
		return rule_fail(UDP_CONNECT, ECONNRESET);
	if (sock->kind == UDP)
		return get(&sock->link) == CONNECTED ?
		       rule_fail(UDP_CONNECT, policy.traits.udp_reconnect_error) : PASS;
	if (get(&sock->role) == UNMADE)
		return PASS;
	if (get(&sock->role) == CLIENT && get(&sock->link) != IDLE &&
	    shadow_timing(sock, SEND) == NONBLOCKING)
		return PASS; /* decide_connect_again, when its state is known */
	if (get(&sock->role) == CLIENT && get(&sock->link) == CONNECTING)
		return PASS; /* interrupted: the kernel goes on with it */
	return rule_fail(ONE_LIFE, EINVAL);
}

struct verdict decide_connect_ex_tried(const struct shadow *sock)
{
	if (shadow_past(sock) & PAST_ACCEPTED)
		return rule_fail(CONNECT_RESULT, EINVAL);
	if (get(&sock->role) != CLIENT)
		return rule_fail(CONNECT_RESULT, shadow_past(sock) & PAST_CONNECTED ? EISCONN : ENOTCONN);
	if (get(&sock->link) == CONNECTING)
		return rule_fail(CONNECT_RESULT, policy.traits.pending_connect_error);
	return rule_fail(CONNECT_RESULT, get(&sock->link) == CONNECTED ? EISCONN : ENOTCONN);
}

struct verdict decide_connect_ex(const struct shadow *sock)
{
	bool polled = shadow_timing(sock, SEND) == NONBLOCKING;

	if (sock->kind == UDP)
		return get(&sock->role) == UNMADE ? PASS : rule_answer(UDP_CONNECT, 0, 0);
	if (get(&sock->role) == UNMADE)
		return PASS;
	if (get(&sock->role) != CLIENT || get(&sock->link) == IDLE)
		return rule_fail(ONE_LIFE, EINVAL);
	if (get(&sock->link) == CONNECTING)
		return PASS; /* decide_connect_again, when its state is known */
	if (!polled && (shadow_past(sock) & PAST_DEAF || get(&sock->ended)))
		return rule_fail(CONNECT_RESULT, EINVAL); /* it asks for streams, which are shut down */
	return polled ? rule_fail(CONNECT_RESULT, EISCONN) : rule_answer(CONNECT_RESULT, 0, 0);
}

struct verdict decide_connect_once(const struct shadow *sock)
{
	if (sock->kind == TCP && get(&sock->role) != UNMADE)
		return rule_fail(ONE_LIFE, EINVAL);
	return decide_connect(sock);
}

struct verdict decide_connect_pending(const struct shadow *sock, bool asks, bool established)
{
	if (shadow_timing(sock, SEND) != NONBLOCKING)
		return PASS;
	if (!asks)
		return policy.traits.connect_returns_early ? rule_answer(CONNECT_RESULT, 0, 0) : PASS;
	return policy.traits.connect_ex_asks && established ? rule_fail(CONNECT_RESULT, EISCONN) : PASS;
}

struct verdict decide_connect_port(const struct shadow *sock, bool zero)
{
	if (zero && sock->kind == UDP && policy.traits.port_zero_error)
		return rule_fail(UDP_CONNECT, policy.traits.port_zero_error);
	return PASS;
}

struct verdict decide_connect_again(const struct shadow *sock, bool pending)
{
	(void)sock;
	return rule_fail(CONNECT_RESULT, pending ? policy.traits.pending_connect_error : EISCONN);
}

struct verdict decide_connect_error(int error)
{
	if (error == ETIMEDOUT)
		return rule_fail(ERRNO_MAP, ECONNREFUSED);
	return PASS;
}

bool connect_kills(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case ETIMEDOUT:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
	case EADDRNOTAVAIL:
	case EACCES:
	case EPERM:
		return true;
	default:
		return false;
	}
}

/* The IPv4 wildcard, which is what Jython takes for none. */
static bool is_wildcard_port_0(const struct shadow *sock)
{
	struct address name;

	return shadow_recall(sock, &sock->name, &name) && name.any.sa_family != AF_INET6 && name.in.sin_port == 0 &&
	       name.in.sin_addr.s_addr == INADDR_ANY;
}

struct verdict decide_getsockname(const struct shadow *sock)
{
	enum naming naming = (enum naming)get(&sock->naming);
	bool named = naming == ASKED || naming == BOUND || naming == REFUSED;

	if (get(&sock->role) == DEAD && policy.traits.dead_is_closed)
		return rule_answer(ONE_LIFE, 0, 0);
	if (policy.traits.nameless_error && get(&sock->role) != UNMADE && (shadow_past(sock) & PAST_UNNAMED ||
	    get(&sock->role) == DEAD || (sock->kind == UDP && naming == REFUSED)))
		return rule_fail(UNBOUND_NAME, policy.traits.nameless_error);
	if (get(&sock->role) != UNMADE)
		return PASS;
	if (!named || (policy.traits.wildcard_is_unbound && sock->kind == TCP && is_wildcard_port_0(sock)))
		return rule_fail(UNBOUND_NAME, policy.traits.unbound_name_error);
	return rule_answer(DEFERRED_BIND, 0, 0);
}

struct verdict decide_getpeername(const struct shadow *sock)
{
	struct address peer;

	if ((get(&sock->role) == CLIENT || get(&sock->role) == DEAD) && shadow_recall(sock, &sock->peer, &peer) && peer.len)
		return rule_answer(REMEMBERED_PEER, 0, 0);
	return PASS;
}

bool shutdown_discards(const struct shadow *sock, int how)
{
	return sock->kind == TCP && get(&sock->role) == CLIENT && (how == SHUT_RD || how == SHUT_RDWR) &&
	       rule_active(SHUTDOWN_DISCARD);
}

struct verdict decide_shutdown_error(const struct shadow *sock, int error)
{
	if (error == ENOTCONN && get(&sock->role) == CLIENT && get(&sock->link) == CONNECTED &&
	    policy.traits.reset_shuts_down)
		return rule_answer(ERRNO_MAP, 0, 0);
	return PASS;
}

struct verdict decide_shutdown(const struct shadow *sock, int how)
{
	enum role role = (enum role)get(&sock->role);

	if (policy.traits.shutdown_is_bits) {
		if (role == UNMADE)
			return rule_fail(SHUTDOWN_NOOP, ENOTCONN);
		if (role == LISTENER && how & SHUT_RDWR && (shadow_past(sock) & (PAST_DATAGRAM | PAST_TRIED)) == PAST_DATAGRAM)
			return rule_fail(SHUTDOWN_NOOP, EINVAL); /* a UDP socket that received nothing has nothing to stop */
		return rule_answer(sock->kind == TCP && role == CLIENT ? SHUTDOWN_LOCAL : SHUTDOWN_NOOP, 0, 0);
	}
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return PASS; /* EINVAL, here as there */
	if (role == DEAD)
		return rule_fail(ONE_LIFE, EPIPE);
	if (role == LISTENER || role == DATAGRAM)
		return rule_answer(SHUTDOWN_NOOP, 0, 0);
	if (sock->kind == UDP)
		return policy.traits.udp_shutdown_unmade ?
		       rule_fail(SHUTDOWN_NOOP, policy.traits.udp_shutdown_unmade) :
		       rule_answer(SHUTDOWN_NOOP, 0, 0);
	if (role == UNMADE)
		return rule_fail(SHUTDOWN_NOOP, ENOTCONN); /* Linux says so too, yet shuts it down */
	if (get(&sock->link) == CONNECTING && policy.traits.pending_shutdown)
		return rule_fail(SHUTDOWN_NOOP, policy.traits.pending_shutdown);
	return PASS;
}

struct verdict decide_fd_passing(void)
{
	return rule_answer(FD_PASSING, 0, 0);
}
