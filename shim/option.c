/* Socket options. */
#include "shim.h"
#include "channel.h"
#include "connect.h"
#include "frames.h"
#include "python.h"
#include "settings.h"

#include <string.h>
#include <sys/time.h>

static int buffer_direction(int level, int option)
{
	if (level != SOL_SOCKET)
		return -1;
	return option == SO_RCVBUF ? RECEIVE : option == SO_SNDBUF ? SEND : -1;
}

static int timeout_direction(int level, int option)
{
	if (level != SOL_SOCKET)
		return -1;
	return option == SO_RCVTIMEO ? RECEIVE : option == SO_SNDTIMEO ? SEND : -1;
}

static const struct timeval millisecond = { 0, 1000 }; /* what a zero timeout is */

static int set_timeout(struct shadow *sock, int direction, const void *value, socklen_t len, const struct occasion *at)
{
	struct timeval asked;
	bool zero, clamp = false;
	int rc;

	if (len < sizeof asked || !readable(value, sizeof asked))
		return REAL(setsockopt)(at->fd, at->level, at->option, value, len);
	memcpy(&asked, value, sizeof asked);
	zero = asked.tv_sec == 0 && asked.tv_usec == 0;
	if (zero) {
		clamp = enforced(report_finding(decide_zero_timeout(), at));
	}
	rc = REAL(setsockopt)(at->fd, at->level, at->option, clamp ? &millisecond : value,
			      clamp ? (socklen_t)sizeof millisecond : len);
	if (rc == 0) {
		sock->timeout_set[direction] = !zero || clamp;
		sock->timeout_zero[direction] = clamp;
		shadow_rearm(sock);
	}
	return rc;
}

static int set_buffer(struct shadow *sock, int direction, const void *value, socklen_t len, const struct occasion *at)
{
	int asked, rc;

	if (len >= sizeof asked && readable(value, sizeof asked)) {
		memcpy(&asked, value, sizeof asked);
		if (settled(decide_buffer_size(sock, asked), at, &rc))
			return rc;
	} else {
		asked = 0;
	}
	rc = REAL(setsockopt)(at->fd, at->level, at->option, value, len);
	if (rc == 0) {
		sock->buffer[direction] = asked;
		sock->buffer_set[direction] = 1;
	}
	return rc;
}

static bool is_linger(const struct occasion *at)
{
	return at->level == SOL_SOCKET && at->option == SO_LINGER;
}

/* Java keeps a time for SO_LINGER up to a limit, and none where it is off. */
static int set_linger(struct shadow *sock, const void *value, socklen_t len, const struct occasion *at)
{
	struct verdict v = decide_linger(sock);
	struct linger asked;

	if (!enforced(v) || len < sizeof asked || !readable(value, sizeof asked))
		return REAL(setsockopt)(at->fd, at->level, at->option, value, len);
	memcpy(&asked, value, sizeof asked);
	if (asked.l_onoff && asked.l_linger < 0) {
		errno = EINVAL;
		return -1;
	}
	if (asked.l_linger > v.rc)
		asked.l_linger = v.rc;
	return REAL(setsockopt)(at->fd, at->level, at->option, &asked, sizeof asked);
}

static bool kept(struct shadow *sock, int row, const void *value, socklen_t len, const struct occasion *at)
{
	if (!option_is_kept(sock, at->level, at->option, row) || (int)len < 0 || !readable(value, len) ||
	    !settings_keep(sock, at->level, at->option, value, len))
		return false;
	if (at->option != SO_REUSEADDR)
		atomic_fetch_or(&sock->early, 1U << row);
	return true;
}

/* 2.7 keeps every option, and tells the channel if there is one. */
static int set_remembered(struct shadow *sock, int row, const void *value, socklen_t len, const struct occasion *at)
{
	int number = 0, err = 0;
	struct verdict v;

	if ((int)len < 0 || !readable(value, len)) {
		errno = EFAULT;
		return -1;
	}
	memcpy(&number, value, len < sizeof number ? len : sizeof number);
	v = decide_remembered(sock, row, number);
	if (v.rc) /* a flag: 0 or 1 */
		number = number != 0;
	if (len == sizeof number)
		settings_keep(sock, at->level, at->option, &number, sizeof number);
	else
		settings_keep(sock, at->level, at->option, value, len);
	if (shadow_is(sock, UNMADE))
		return 0;
	channel_refresh(sock, at->fd);
	if (channel_closed(sock, at->fd) && option_is_its(sock, row))
		err = EBADF;
	else if (v.err)
		err = v.err;
	else if (!is_linger(at))
		settings_tell(sock, at->fd, at->level, at->option, value, len);
	if (err)
		errno = err;
	return err ? -1 : 0;
}

/* An error of an option is a last error, too, but to Python only. */
static void note(struct shadow *sock, const struct occasion *at)
{
	int saved = errno;

	if (policy.traits.options_remembered && python_called(at->site))
		channel_note(sock, saved);
	errno = saved;
}

static bool is_remembered(void)
{
	return policy.traits.options_remembered && rule_mode(OPTION_READBACK) == ENFORCE;
}

/* Java configures the channel anew whenever its mode changes. */
int option_configure(struct shadow *sock, const struct occasion *at)
{
	int rc = 0, err;

	if (settled(decide_configure(sock), at, &rc))
		return rc;
	if (!policy.traits.options_judged_late || shadow_is(sock, UNMADE))
		return 0;
	err = settings_apply(sock, at->fd, (enum role)sock->role);
	if (err) {
		errno = err;
		return -1;
	}
	return 0;
}

SHIM int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	struct shadow *sock = track(fd);
	struct occasion at = { "setsockopt", fd, sock, __builtin_return_address(0), level, option };
	int row, rc, direction;

	if (!sock)
		return REAL(setsockopt)(fd, level, option, value, len);
	row = option_row(level, option);
	if (kept(sock, row, value, len, &at)) {
		rc = 0;
	} else if (settled(decide_setsockopt(sock, row), &at, &rc)) {
		note(sock, &at);
	} else if (is_remembered()) {
		rc = set_remembered(sock, row, value, len, &at);
		if (rc != 0)
			note(sock, &at);
	} else {
		if ((direction = timeout_direction(level, option)) >= 0)
			rc = set_timeout(sock, direction, value, len, &at);
		else if ((direction = buffer_direction(level, option)) >= 0)
			rc = set_buffer(sock, direction, value, len, &at);
		else if (is_linger(&at))
			rc = set_linger(sock, value, len, &at);
		else
			rc = REAL(setsockopt)(fd, level, option, value, len);
		if (rc == 0 && shadow_is(sock, UNMADE))
			atomic_fetch_or(&sock->early, 1U << row);
	}
	shadow_put(sock);
	return rc;
}

/* What a successful getsockopt read, on its way to the program. */
static void read_value(struct shadow *sock, void *value, socklen_t len, const struct occasion *at)
{
	int direction = buffer_direction(at->level, at->option), timer = timeout_direction(at->level, at->option), number;
	struct verdict v;

	if (at->level == SOL_SOCKET && at->option == SO_ERROR && sock->link == CONNECTING && len >= sizeof number) {
		memcpy(&number, value, sizeof number);
		if (number)
			connect_failed(sock, number);
	}
	if (is_linger(at) && enforced(decide_linger(sock)) && len == sizeof(struct linger)) {
		struct linger *linger = value;

		linger->l_linger = linger->l_onoff ? linger->l_linger : 0;
	}
	/* The kernel keeps ticks: what it read back would be one of them. */
	if (timer >= 0 && sock->timeout_zero[timer] && len >= sizeof millisecond)
		memcpy(value, &millisecond, sizeof millisecond);
	if (direction < 0 || len < sizeof number)
		return;
	memcpy(&number, value, sizeof number);
	v = decide_buffer_readback(sock, direction, number);
	v = report_finding(v, at);
	if (enforced(v))
		memcpy(value, &v.rc, sizeof v.rc);
}

/* CPython's connect asks how the connection went; that is not the program's doing. */
static bool is_pythons_own(const struct occasion *at)
{
	return python_connects() && at->level == SOL_SOCKET && at->option == SO_ERROR;
}

/* socket(fileno=...), which no Jython has, and the wrap_socket of ssl.py, which in Jython
 * is another, ask what they were given: Linux answers. */
static bool is_adoption(const struct occasion *at)
{
	if (at->level != SOL_SOCKET || (at->option != SO_TYPE && at->option != SO_DOMAIN && at->option != SO_PROTOCOL))
		return false;
	if (python_doing == PYTHON_NOTHING)
		return python_called(at->site);
	return python_doing == PYTHON_OTHER && frames_library_calls("/ssl.py");
}

static int adopted(const struct shadow *sock, int row, void *value, socklen_t *len, const struct occasion *at)
{
	struct verdict v = decide_getsockopt(sock, row);

	if (v.mode == ENFORCE)
		v.mode = REPORT;
	report_finding(v, at);
	return REAL(getsockopt)(at->fd, at->level, at->option, value, len);
}

/* What was kept, as it was given; the kernel's answer to another question proves
 * the pointers good. */
static int recall(struct shadow *sock, void *value, socklen_t *len, const struct occasion *at)
{
	struct setting setting = { 0 };
	bool found = settings_find(sock, at->level, at->option, &setting);
	socklen_t room = readable(len, sizeof *len) ? *len : 0;

	if (REAL(getsockopt)(at->fd, SOL_SOCKET, SO_TYPE, value, len) != 0)
		return -1;
	if (!readable(value, room))
		return 0;
	*len = room;
	memset(value, 0, room);
	memcpy(value, setting.value, room < setting.len ? room : setting.len);
	if (found && setting.len < room)
		*len = setting.len;
	python_unset = !found && (is_remembered() || at->level != SOL_SOCKET || at->option != SO_REUSEADDR);
	return 0;
}

/* What 2.7 tells of a socket besides its options. */
static bool is_introspected(const struct occasion *at)
{
	return is_remembered() && at->level == SOL_SOCKET && rule_holds(INTROSPECTION_OPTION, at) &&
	       (at->option == SO_ERROR || at->option == SO_TYPE || at->option == SO_ACCEPTCONN);
}

/* The last error of any call; a C program, which has seen it as errno already, asks for
 * that of its connection. */
static int last_error(struct shadow *sock, const struct occasion *at)
{
	int error = sock->error, own = 0;
	socklen_t len = sizeof own;

	sock->error = 0;
	if (python_doing == PYTHON_NOTHING && REAL(getsockopt)(at->fd, SOL_SOCKET, SO_ERROR, &own, &len) == 0 && own)
		connect_failed(sock, own);
	return own ? own : error;
}

static int introspect(struct shadow *sock, void *value, socklen_t *len, const struct occasion *at)
{
	int answer;

	if (at->option == SO_ACCEPTCONN && sock->type == UDP && !channel_serves(sock)) {
		channel_note(sock, ENOPROTOOPT);
		errno = ENOPROTOOPT;
		return -1;
	}
	if (REAL(getsockopt)(at->fd, SOL_SOCKET, SO_TYPE, value, len) != 0)
		return -1;
	answer = at->option == SO_ERROR ? last_error(sock, at) : at->option == SO_TYPE ? (sock->type == TCP ? SOCK_STREAM : SOCK_DGRAM) :
						      channel_serves(sock);
	memcpy(value, &answer, *len < sizeof answer ? *len : sizeof answer);
	return 0;
}

SHIM int getsockopt(int fd, int level, int option, void *restrict value, socklen_t *restrict len)
{
	struct shadow *sock = track(fd);
	struct occasion at = { "getsockopt", fd, sock, __builtin_return_address(0), level, option };
	bool from_memory;
	int row, rc;

	if (!sock)
		return REAL(getsockopt)(fd, level, option, value, len);
	row = option_row(level, option);
	if (is_pythons_own(&at)) {
		rc = REAL(getsockopt)(fd, level, option, value, len);
		if (rc == 0)
			connect_resolved(sock, value, &at);
	} else if (is_introspected(&at)) {
		rc = introspect(sock, value, len, &at);
	} else if (is_adoption(&at)) {
		rc = adopted(sock, row, value, len, &at);
	} else if (!(from_memory = option_is_kept(sock, level, option, row)) &&
		   settled(decide_getsockopt(sock, row), &at, &rc)) {
		note(sock, &at);
	} else if (from_memory || is_remembered()) {
		rc = recall(sock, value, len, &at);
	} else {
		rc = REAL(getsockopt)(fd, level, option, value, len);
		if (rc == 0)
			read_value(sock, value, *len, &at);
	}
	shadow_put(sock);
	return rc;
}
