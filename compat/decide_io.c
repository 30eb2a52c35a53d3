/* The decisions about options, transfers and waiting. */
#include "decide.h"

#include <errno.h>
#include <netinet/tcp.h>

enum { C = 1, L = 2, D = 4, R = 8 }; /* roles of options.def */

#define UNWRAP(...) __VA_ARGS__

static const struct {
	int level, option;
	unsigned char roles[PROFILES];
} options[] = {
#define OPTION(level, option, roles) { level, option, { UNWRAP roles } },
#include "options.def"
#undef OPTION
};

#define OPTION(level, option, roles) \
	_Static_assert(sizeof((char[]){ UNWRAP roles }) == PROFILES, #option ": one role set for each profile");
#include "options.def"
#undef OPTION

enum { OPTIONS = sizeof options / sizeof *options };
_Static_assert(OPTIONS < 32, "shadow.early has one bit a row, and one for options without a row");

int option_row(int level, int option)
{
	for (int row = 0; row < OPTIONS; row++)
		if (options[row].level == level && options[row].option == option)
			return row;
	return OPTIONS;
}

static unsigned roles_of(int row)
{
	return row < OPTIONS ? options[row].roles[policy.profile] : 0;
}

static unsigned char get(const _Atomic unsigned char *field)
{
	return atomic_load_explicit(field, memory_order_acquire);
}

/* Roles that the socket has, or may still take. */
static unsigned roles_open(const struct shadow *sock)
{
	if (sock->kind == UDP)
		return D;
	switch ((enum role)get(&sock->role)) {
	case UNMADE:
		return C | L;
	case LISTENER:
		return L;
	default:
		return C;
	}
}

static bool taken_unseen(const struct shadow *sock)
{
	return policy.traits.options_judged_late && get(&sock->role) == UNMADE;
}

struct verdict decide_setsockopt(const struct shadow *sock, int row)
{
	if (taken_unseen(sock) || (roles_of(row) & roles_open(sock)))
		return PASS;
	return rule_fail(UNSUPPORTED_OPTION, ENOPROTOOPT);
}

struct verdict decide_getsockopt(const struct shadow *sock, int row)
{
	if (roles_of(row) == R)
		return rule_fail(INTROSPECTION_OPTION, ENOPROTOOPT);
	return decide_setsockopt(sock, row);
}

struct verdict decide_made(const struct shadow *sock, enum role role)
{
	uint32_t early = atomic_load(&sock->early);
	unsigned needed = role == LISTENER ? L : role == CLIENT ? C : D;

	for (int row = 0; row <= OPTIONS; row++)
		if (early & (1U << row) && !(roles_of(row) & needed))
			return rule_fail(LATE_OPTION_ERROR, ENOPROTOOPT);
	return PASS;
}

struct verdict decide_buffer_size(const struct shadow *sock, int value)
{
	if (value <= 0 && get(&sock->role) != UNMADE)
		return rule_fail(OPTION_READBACK, EINVAL);
	return PASS;
}

/* The JDK halves what Linux doubled; Jython remembers what was asked before
 * there is a Java socket to ask. */
struct verdict decide_buffer_readback(const struct shadow *sock, int direction, int kernel)
{
	int value = kernel / 2;

	if (get(&sock->role) == UNMADE && get(&sock->buffer_set[direction]))
		value = atomic_load(&sock->buffer[direction]);
	return rule_answer(OPTION_READBACK, value, 0);
}

struct verdict decide_zero_timeout(void)
{
	return rule_answer(ZERO_TIMEOUT, 0, 0);
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
		if (elsewhere)
			return rule_fail(UDP_CONNECT, EISCONN);
		if (!addressed && get(&sock->link) != CONNECTED)
			return rule_fail(UNCONNECTED_IO, ENOTCONN);
		return PASS;
	}
	if (role == DEAD)
		return rule_fail(ONE_LIFE, EPIPE);
	if (role == UNMADE || role == LISTENER || (role == CLIENT && get(&sock->link) == IDLE))
		return rule_fail(UNCONNECTED_IO, ENOTCONN);
	return PASS;
}

struct verdict decide_send_error(const struct shadow *sock, int error)
{
	if (error == EPIPE && get(&sock->role) == CLIENT && get(&sock->link) == CONNECTED && !get(&sock->ended))
		return rule_fail(ERRNO_MAP, ECONNRESET);
	if (sock->kind == UDP && error == EACCES)
		return rule_fail(ERRNO_MAP, EADDRINUSE);
	return PASS;
}

struct verdict decide_recv(const struct shadow *sock, bool from)
{
	enum role role = (enum role)get(&sock->role);

	if (sock->kind == UDP)
		return role == UNMADE && !from ? rule_fail(UNCONNECTED_IO, ENOTCONN) : PASS;
	if (role == DEAD)
		return rule_fail(ONE_LIFE, EPIPE);
	if (role == UNMADE || role == LISTENER || (role == CLIENT && get(&sock->link) == IDLE))
		return rule_fail(UNCONNECTED_IO, ENOTCONN);
	return PASS;
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
