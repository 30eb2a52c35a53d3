/* The decisions about options. */
#include "decide.h"

#include <errno.h>
#include <netinet/tcp.h>

enum { C = 1, L = 2, D = 4, R = 8, N = 16 }; /* roles of options.def */

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

/* 1 + row; 0: none.  All options of the table have small numbers. */
enum { LEVEL_LIMIT = 8, OPTION_LIMIT = 64 };

enum {
#define OPTION(level, option, roles) ROW_##option,
#include "options.def"
#undef OPTION
};

static const unsigned char rows[LEVEL_LIMIT * OPTION_LIMIT] = {
#define OPTION(level, option, roles) [(level) * OPTION_LIMIT + (option)] = 1 + ROW_##option,
#include "options.def"
#undef OPTION
};

#define OPTION(level, option, roles) \
	_Static_assert((int)(level) < LEVEL_LIMIT && (int)(option) < OPTION_LIMIT, #option ": fits option_row's table");
#include "options.def"
#undef OPTION

int option_row(int level, int option)
{
	int row = 0;

	if ((unsigned)level < LEVEL_LIMIT && (unsigned)option < OPTION_LIMIT)
		row = rows[level * OPTION_LIMIT + option];
	return row ? row - 1 : OPTIONS;
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
	if (sock->proto == UDP)
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

/* Could a program on Jython write this option down at all?  Numbers that Linux does
 * not know either are taken as they come.  At the level of TCP a TCP socket also takes
 * the numbers of two options of SOL_SOCKET. */
static bool is_named(const struct shadow *sock, int level, int option, int row)
{
	switch (level) {
	case SOL_SOCKET:
		return roles_of(row) & (C | L | D | N) || option >= 1000;
	case IPPROTO_TCP:
		return roles_of(row) & C || (sock->kind == TCP && (option == SO_REUSEADDR || option == SO_KEEPALIVE));
	case IPPROTO_IP:
	case IPPROTO_IPV6:
		return false;
	default:
		return true;
	}
}

bool option_is_kept(const struct shadow *sock, int level, int option, int row)
{
	return taken_unseen(sock) && rule_mode(LATE_OPTION_ERROR) == ENFORCE && is_named(sock, level, option, row);
}

/* A closed java.net.Socket knows its options, but has none of them any more. */
static bool is_closed(const struct shadow *sock)
{
	return policy.traits.dead_is_closed && get(&sock->role) == DEAD;
}

struct verdict decide_setsockopt(const struct shadow *sock, int row)
{
	if (taken_unseen(sock) && roles_of(row) & (C | L | D | N))
		return PASS;
	if (!(roles_of(row) & roles_open(sock)))
		return rule_fail(UNSUPPORTED_OPTION, ENOPROTOOPT);
	return is_closed(sock) ? rule_fail(ONE_LIFE, EBADF) : PASS;
}

struct verdict decide_getsockopt(const struct shadow *sock, int row)
{
	if (roles_of(row) & R && !(roles_of(row) & N && taken_unseen(sock)))
		return rule_fail(INTROSPECTION_OPTION, ENOPROTOOPT);
	return decide_setsockopt(sock, row);
}

static unsigned bit_of(enum role role)
{
	return role == LISTENER ? L : role == DATAGRAM ? D : C;
}

/* The first row set early that the role lacks; -1: none. */
static int late_row(const struct shadow *sock, enum role role)
{
	uint32_t early = atomic_load(&sock->early);

	for (int row = 0; row <= OPTIONS; row++)
		if (early & (1U << row) && !(roles_of(row) & bit_of(role)))
			return row;
	return -1;
}

struct verdict decide_made(const struct shadow *sock, enum role role)
{
	return late_row(sock, role) < 0 ? PASS : rule_fail(LATE_OPTION_ERROR, ENOPROTOOPT);
}

bool late_option(const struct shadow *sock, int *level, int *option)
{
	enum role role = (enum role)get(&sock->role);
	int row = late_row(sock, sock->kind == UDP ? DATAGRAM : role);

	if (row < 0 || row == OPTIONS)
		return false;
	*level = options[row].level;
	*option = options[row].option;
	return true;
}

int decide_apply(enum role role, int level, int option, int value)
{
	if (option == SO_REUSEADDR) /* whatever the level */
		return OPTION_ONLY_BINDS;
	if (!(roles_of(option_row(level, option)) & bit_of(role)))
		return ENOPROTOOPT;
	if (policy.traits.options_remembered && level == SOL_SOCKET && option == SO_LINGER)
		return OPTION_ONLY_BINDS; /* Netty never tells the kernel */
	if (level == SOL_SOCKET && (option == SO_RCVBUF || option == SO_SNDBUF) && value <= 0)
		return EINVAL;
	return 0;
}

bool option_is_its(const struct shadow *sock, int row)
{
	return roles_of(row) & (sock->kind == UDP ? D : C);
}

static bool is_socket_option(int row, int option)
{
	return row < OPTIONS && options[row].level == SOL_SOCKET && options[row].option == option;
}

struct verdict decide_remembered(const struct shadow *sock, int row, int value)
{
	bool server = get(&sock->role) == LISTENER, sends = is_socket_option(row, SO_SNDBUF);
	bool receives = is_socket_option(row, SO_RCVBUF), flag = !sends && !receives && !is_socket_option(row, SO_LINGER);
	bool refused = server && shadow_past(sock) & PAST_UNREADY && (receives || is_socket_option(row, SO_REUSEADDR));

	if (refused) /* a ServerSocket that is closed; it does not know the other options */
		return rule_answer(OPTION_READBACK, flag, EBADF);
	return rule_answer(OPTION_READBACK, flag, value <= 0 && (receives || (sends && !server)) ? EINVAL : 0);
}

struct verdict decide_linger(const struct shadow *sock)
{
	if (policy.traits.linger_limit && get(&sock->role) != UNMADE)
		return rule_answer(OPTION_READBACK, policy.traits.linger_limit, 0);
	return PASS;
}

struct verdict decide_configure(const struct shadow *sock)
{
	enum role role = (enum role)get(&sock->role);

	if (is_closed(sock))
		return rule_fail(ONE_LIFE, EBADF);
	return role == UNMADE ? PASS : decide_made(sock, role);
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
