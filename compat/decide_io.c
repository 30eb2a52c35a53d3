/* The decisions about transfers and waiting. */
#include "decide.h"

#include <errno.h>

static unsigned char get(const _Atomic unsigned char *field)
{
	return atomic_load_explicit(field, memory_order_acquire);
}

struct verdict decide_zero_timeout(void)
{
	return rule_answer(ZERO_TIMEOUT, 0, 0);
}

struct verdict decide_short_timeout(void)
{
	return rule_answer(SUBMILLISECOND_TIMEOUT, 0, 0);
}

struct verdict decide_expired(const struct shadow *sock, int direction)
{
	if (get(&sock->timeout_zero[direction]) && !get(&sock->nonblocking))
		return rule_fail(ZERO_TIMEOUT, ETIMEDOUT);
	return PASS;
}

struct verdict decide_send(const struct shadow *sock, bool addressed, bool elsewhere)
{
	enum role role = (enum role)get(&sock->role);

	if (sock->kind == UDP) {
		if (role == DEAD)
			return rule_fail(UDP_CONNECT, ECONNRESET);
		if (elsewhere)
			return rule_fail(UDP_CONNECT, EISCONN);
		if (!addressed && get(&sock->link) != CONNECTED)
			return rule_fail(UNCONNECTED_IO, ENOTCONN);
		return PASS;
	}
	if (role == DEAD)
		return rule_fail(ONE_LIFE, EPIPE);
	if (role == UNMADE || role == LISTENER || (role == CLIENT && get(&sock->link) == IDLE && !policy.traits.channel_ends))
		return rule_fail(UNCONNECTED_IO, ENOTCONN);
	return PASS;
}

struct verdict decide_send_cap(const struct shadow *sock)
{
	return sock->kind == TCP ? rule_answer(SEND_CAP, 0, 0) : PASS;
}

struct verdict decide_empty_datagram(const struct shadow *sock, bool addressed)
{
	if (sock->kind != UDP || policy.traits.empty_datagrams == 2)
		return PASS;
	if (policy.traits.empty_datagrams == 1 && (addressed || shadow_timing(sock, SEND) == TIMEOUT))
		return PASS;
	return rule_answer(UDP_CONNECT, 0, 0);
}

struct verdict decide_sendto(const struct shadow *sock)
{
	if (sock->kind == TCP && policy.traits.tcp_sendto_error && !policy.traits.channel_ends)
		return rule_fail(UNCONNECTED_IO, policy.traits.tcp_sendto_error);
	return PASS;
}

struct verdict decide_send_error(const struct shadow *sock, int error)
{
	if (error == EPIPE && get(&sock->role) == CLIENT && get(&sock->link) == CONNECTED && !get(&sock->ended))
		return rule_fail(ERRNO_MAP, ECONNRESET);
	if (sock->kind == UDP && error == EACCES)
		return rule_fail(ERRNO_MAP, EADDRINUSE);
	if (sock->kind == UDP && error == EMSGSIZE && get(&sock->link) == CONNECTED && policy.traits.huge_datagram_error)
		return rule_fail(ERRNO_MAP, policy.traits.huge_datagram_error);
	return PASS;
}

/* Java's input stream throws where its channel says end of file. */
static struct verdict decide_recv_past(const struct shadow *sock)
{
	if (rule_mode(SHUTDOWN_DISCARD) == ENFORCE && shadow_past(sock) & PAST_DEAF)
		return shadow_timing(sock, RECEIVE) == TIMEOUT ? rule_fail(SHUTDOWN_DISCARD, ESHUTDOWN) :
								 rule_answer(SHUTDOWN_DISCARD, 0, 0);
	if (shadow_past(sock) & PAST_RESET && policy.traits.reset_lasts)
		return rule_fail(ERRNO_MAP, ECONNRESET);
	return PASS;
}

struct verdict decide_recv(const struct shadow *sock, bool from)
{
	enum role role = (enum role)get(&sock->role);

	if (role == LISTENER && shadow_past(sock) & (PAST_DATAGRAM | PAST_TRIED))
		return rule_fail(UNCONNECTED_IO, EAGAIN); /* the queue that it had before is still there, and empty */

	if (sock->kind == UDP)
		return role == UNMADE && !(from && policy.traits.recvfrom_makes) ? rule_fail(UNCONNECTED_IO, ENOTCONN) : PASS;
	if (role == DEAD)
		return rule_fail(ONE_LIFE, EPIPE);
	if (role == UNMADE || role == LISTENER || (role == CLIENT && get(&sock->link) == IDLE && !policy.traits.channel_ends))
		return rule_fail(UNCONNECTED_IO, ENOTCONN);
	return decide_recv_past(sock);
}

struct verdict decide_source(const struct shadow *sock)
{
	if (sock->kind == UDP && shadow_timing(sock, RECEIVE) == TIMEOUT)
		return rule_answer(UDP_NULL_SOURCE, 0, 0);
	return PASS;
}

/* MSG_NOSIGNAL asks for what Java does anyway. */
struct verdict decide_flags(int flags)
{
	if (flags & ~(MSG_NOSIGNAL | MSG_CMSG_CLOEXEC))
		return rule_fail(RECV_FLAGS, EINVAL);
	return PASS;
}

struct verdict decide_wait_blocking(const struct shadow *sock)
{
	if (get(&sock->role) == UNMADE)
		return PASS; /* there is no channel yet that could be asked for its mode */
	if (get(&sock->role) == DEAD && policy.traits.dead_is_closed)
		return rule_fail(SELECT_BLOCKING, EBADF);
	if (shadow_timing(sock, RECEIVE) != NONBLOCKING)
		return rule_fail(SELECT_BLOCKING, ESOCKISBLOCKING);
	return PASS;
}

struct verdict decide_wait_unmade(const struct shadow *sock)
{
	if (get(&sock->role) == UNMADE)
		return rule_answer(SELECT_UNMADE, 0, 0);
	return PASS;
}

struct verdict decide_wait_non_socket(void)
{
	return rule_fail(SELECT_NON_SOCKET, ENOTSOCK);
}

struct verdict decide_wait_events(int unusual)
{
	return unusual ? rule_answer(POLL_QUIET, 0, 0) : PASS;
}

bool wait_rules_active(void)
{
	return rule_active(SELECT_BLOCKING) || rule_active(SELECT_NON_SOCKET) ||
	       rule_active(SELECT_UNMADE) || rule_active(POLL_QUIET);
}
