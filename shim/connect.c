/* connect, and the sends that connect. */
#include "shim.h"
#include "channel.h"
#include "connect.h"
#include "python.h"
#include "settings.h"

#include <netinet/tcp.h>
#include <stddef.h>

static int fail(int err)
{
	errno = err;
	return -1;
}

static bool ask_info(int fd, struct tcp_info *info)
{
	socklen_t len = sizeof *info;

	return REAL(getsockopt)(fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0;
}

enum link connect_state(int fd)
{
	struct tcp_info info = { 0 };

	if (!ask_info(fd, &info))
		return IDLE;
	if (info.tcpi_state == TCP_SYN_SENT || info.tcpi_state == TCP_SYN_RECV)
		return CONNECTING;
	return info.tcpi_state == TCP_CLOSE ? IDLE : CONNECTED;
}

/* The round trip of its SYN is known of a connection only. */
bool connect_was_reset(int fd)
{
	struct tcp_info info = { 0 };

	return ask_info(fd, &info) && info.tcpi_state == TCP_CLOSE && info.tcpi_rtt;
}

void connect_failed(struct shadow *sock, int error)
{
	if (sock->kind == TCP && connect_kills(error) && rule_active(ONE_LIFE))
		track_role(sock, DEAD, IDLE);
	else if (sock->kind == TCP && channel_begins_anew())
		track_role(sock, CLIENT, IDLE);
}

/* The same, and the program sees the error at once: Jython leaves a channel that never
 * says anything. */
static void failed_openly(struct shadow *sock, int error)
{
	connect_failed(sock, error);
	if (!channel_begins_anew())
		return;
	channel_note(sock, error);
	sock->past |= PAST_NEVER;
	shadow_rearm(sock);
}

/* A non-blocking connect called again.  True: *rc is the answer. */
static bool connect_polled(struct shadow *sock, const struct occasion *at, int *rc)
{
	enum link link = connect_state(at->fd);
	int error = 0;
	socklen_t len = sizeof error;

	if (link != IDLE) {
		track_role(sock, CLIENT, link);
		if (link == CONNECTED && shadow_timing(sock, SEND) != NONBLOCKING) {
			*rc = 0;
			return true;
		}
		return settled(decide_connect_again(sock, link == CONNECTING), at, rc);
	}
	if (channel_begins_anew()) {
		connect_failed(sock, ECONNREFUSED);
		return settled(decide_connect_ex_tried(sock), at, rc);
	}
	if (!rule_holds(ONE_LIFE, at))
		return false;
	REAL(getsockopt)(at->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	track_role(sock, DEAD, IDLE);
	*rc = fail(error ? mapped(decide_connect_error(error), at, error) : EINVAL);
	return true;
}

void connect_resolved(struct shadow *sock, int *error, const struct occasion *at)
{
	if (*error == 0) {
		track_role(sock, CLIENT, CONNECTED);
		return;
	}
	failed_openly(sock, *error);
	*error = mapped(decide_connect_error(*error), at, *error);
}

/* Java closes the channel; the kernel is to stop trying, too. */
void connect_expired(struct shadow *sock, const struct occasion *at)
{
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	channel_note(sock, ETIMEDOUT);
	if (sock->kind != TCP || !shadow_is(sock, CLIENT) || sock->link != CONNECTING || !rule_holds(ONE_LIFE, at))
		return;
	REAL(connect)(at->fd, &nobody, sizeof nobody);
	connect_failed(sock, ETIMEDOUT);
}

/* What CPython's connect or connect_ex is told of a connection under way. */
static int connect_shown(struct shadow *sock, int rc, const struct occasion *at)
{
	bool asks = python_doing == PYTHON_CONNECT_EX;
	int error = errno;
	socklen_t len = sizeof error;
	enum link link = CONNECTED;

	if (sock->kind != TCP || !python_connects())
		return rc;
	if (rc != 0 && error != EINPROGRESS && !(sock->link == IDLE && channel_begins_anew()))
		return rc;
	if (rc != 0 && asks && policy.traits.connect_ex_asks) {
		link = connect_state(at->fd);
		track_role(sock, CLIENT, link == IDLE ? CONNECTING : link);
	}
	if (link == IDLE && shadow_timing(sock, SEND) == NONBLOCKING) {
		REAL(getsockopt)(at->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		connect_failed(sock, error);
		return fail(mapped(decide_connect_error(error), at, error));
	}
	errno = error;
	settled(decide_connect_pending(sock, asks, link == CONNECTED), at, &rc);
	return rc;
}

/* Its channel is closed; what had come in can still be read. */
static void datagram_over(struct shadow *sock, int fd)
{
	int saved = errno;

	channel_deafen(fd);
	track_role(sock, DEAD, IDLE);
	errno = saved;
}

void connect_done(struct shadow *sock, int rc, const struct occasion *at)
{
	int error = errno;

	if (sock->kind == UDP) {
		if (rc == 0)
			track_role(sock, DATAGRAM, CONNECTED);
		else
			errno = mapped(decide_send_error(sock, error), at, error);
		if (rc != 0 && policy.traits.datagram_dies)
			datagram_over(sock, at->fd);
		return;
	}
	if (rc >= 0) {
		track_role(sock, CLIENT, CONNECTED);
	} else if (error == EINPROGRESS || error == EINTR || error == EALREADY) {
		track_role(sock, CLIENT, CONNECTING);
		if (error == EINPROGRESS)
			errno = mapped(decide_expired(sock, SEND), at, error);
	} else {
		if (shadow_timing(sock, SEND) == NONBLOCKING)
			connect_failed(sock, error);
		else
			failed_openly(sock, error);
		errno = mapped(decide_connect_error(error), at, error);
	}
}

static struct verdict may_connect(const struct shadow *sock)
{
	if (policy.traits.connect_ex_asks && python_connects())
		return python_doing == PYTHON_CONNECT_EX ? decide_connect_ex(sock) : decide_connect_once(sock);
	return decide_connect(sock);
}

/* Is a second connect a question, how far the first one is? */
static bool is_polled(const struct shadow *sock)
{
	return shadow_timing(sock, SEND) == NONBLOCKING ||
	       (policy.traits.connect_ex_asks && python_doing == PYTHON_CONNECT_EX);
}

/* A connect that was refused its address has got as far as to forget what there was. */
static void begun_in_vain(struct shadow *sock, int fd)
{
	if (shadow_is(sock, CLIENT)) {
		channel_discard(fd);
		sock->past &= ~(unsigned)(PAST_HALF | PAST_BROKEN);
	}
	former_forget(sock);
	sock->left = 0;
	sock->past = (sock->past & ~(unsigned)PAST_MUTE) | PAST_TRIED | (shadow_is(sock, LISTENER) ? PAST_TURNED : 0);
}

/* Before a connect where each makes a new channel.  True: *rc is the answer. */
static bool anew_refused(struct shadow *sock, const struct occasion *at, int *rc)
{
	bool unmade = shadow_is(sock, UNMADE) && sock->kind == TCP;
	unsigned slept = channel_slumber(sock);
	struct address name;
	int err;

	channel_refresh(sock, at->fd);
	if (python_doing == PYTHON_CONNECT_EX && (sock->past & PAST_TRIED || (sock->kind == UDP && !shadow_is(sock, UNMADE))) &&
	    settled(decide_connect_ex_tried(sock), at, rc))
		return true;
	if (!python_connects() && shadow_is(sock, CLIENT) && sock->link != IDLE) {
		if (shadow_timing(sock, SEND) == NONBLOCKING)
			return connect_polled(sock, at, rc);
		if (sock->link == CONNECTING)
			return false; /* interrupted: the kernel goes on with it */
	}
	err = unmade ? channel_bind(sock, at->fd, CLIENT) : channel_renew(sock, SOCK_STREAM, CLIENT, at);
	if (unmade && err == EINVAL && track_kernel_name(at->fd, &name))
		err = 0; /* made already by another process */
	if (err) {
		if (!unmade)
			begun_in_vain(sock, at->fd);
		*rc = fail(unmade ? pending_failed(err, at) : err);
		return true;
	}
	if (unmade)
		settings_apply(sock, at->fd, CLIENT);
	pending_done(sock);
	if (track_kernel_name(at->fd, &name))
		settings_keep_bound(sock, &name);
	sock->past &= PAST_LISTENED | PAST_END | PAST_CLOSED | PAST_UNNAMED | PAST_KINLESS | PAST_MISFIT | PAST_TYPELESS;
	sock->past |= PAST_TRIED | slept;
	track_role(sock, CLIENT, IDLE);
	return false;
}

/* A UDP socket: connect_ex of 2.7 fails whatever it did, a second connect kills. */
static bool datagram_refused(struct shadow *sock, const struct occasion *at, int *rc)
{
	bool unmade = shadow_is(sock, UNMADE), lost = shadow_timing(sock, SEND) == NONBLOCKING && python_connects();
	struct address name;
	int waiting = 0;

	/* The channel learns its name from the first datagram, too. */
	if (policy.traits.datagram_dies && !unmade && REAL(ioctl)(at->fd, FIONREAD, &waiting) == 0 && waiting)
		channel_name(sock, at->fd, &name);

	if (python_doing == PYTHON_CONNECT_EX && policy.traits.datagram_dies && !unmade) {
		*rc = fail(EINVAL);
		return true;
	}
	if (!settled(may_connect(sock), at, rc))
		return false;
	if (policy.traits.datagram_dies) {
		if (!lost)
			channel_note(sock, errno);
		datagram_over(sock, at->fd);
		*rc = lost ? 0 : *rc;
	}
	return true;
}

static bool is_port_zero(const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)addr;

	return len >= offsetof(struct sockaddr_in, sin_addr) && readable(addr, offsetof(struct sockaddr_in, sin_addr)) &&
	       (in->sin_family == AF_INET || in->sin_family == AF_INET6) && in->sin_port == 0;
}

bool connect_refused(struct shadow *sock, const struct occasion *at, int *rc)
{
	enum role role = sock->kind == UDP ? DATAGRAM : CLIENT;
	struct verdict late;
	int err;

	if ((sock->kind == TCP || channel_is_half(sock)) && channel_begins_anew())
		return anew_refused(sock, at, rc);
	if (sock->kind == UDP ? datagram_refused(sock, at, rc) : settled(may_connect(sock), at, rc))
		return true;
	if (sock->kind == TCP && shadow_is(sock, CLIENT) && sock->link != IDLE && is_polled(sock))
		return connect_polled(sock, at, rc);
	err = pending_bind(sock, at);
	if (err) { /* Jython has made the client by then */
		if (rule_mode(ONE_LIFE) == ENFORCE)
			track_role(sock, CLIENT, IDLE);
		*rc = fail(err);
		return true;
	}
	if (!shadow_is(sock, UNMADE))
		return false;
	late = decide_made(sock, role);
	err = settings_apply(sock, at->fd, role);
	if (settled(late, at, rc) || err) {
		track_role(sock, role, IDLE);
		*rc = enforced(late) ? -1 : fail(err);
		return true;
	}
	return false;
}

static bool dissolves(const struct sockaddr *addr, socklen_t len)
{
	return len >= sizeof addr->sa_family && readable(addr, sizeof addr->sa_family) && addr->sa_family == AF_UNSPEC;
}

SHIM int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	struct shadow *sock = track(fd);
	struct occasion at = OCCASION("connect", fd, sock);
	const struct sockaddr *peer = addr.__sockaddr__;
	int rc;

	if (!sock)
		return REAL(connect)(fd, addr, len);
	python_look(at.site);
	if (dissolves(peer, len)) {
		if (!settled(decide_connect(sock), &at, &rc)) {
			rc = REAL(connect)(fd, addr, len);
			if (rc == 0 && sock->link != IDLE)
				track_role(sock, sock->kind == UDP ? DATAGRAM : UNMADE, IDLE);
		}
	} else if (!connect_refused(sock, &at, &rc)) {
		if (settled(decide_connect_port(sock, is_port_zero(peer, len)), &at, &rc)) {
			if (policy.traits.datagram_dies)
				datagram_over(sock, at.fd);
			else if (shadow_is(sock, UNMADE))
				track_role(sock, DATAGRAM, IDLE);
			shadow_put(sock);
			return rc;
		}
		if (sock->link == IDLE && readable(peer, len < sizeof sock->peer.in6 ? len : sizeof sock->peer.in6) && (int)len > 0)
			shadow_keep(sock, &sock->peer, peer, len);
		rc = REAL(connect)(fd, addr, len);
		connect_done(sock, rc, &at);
		rc = connect_shown(sock, rc, &at);
		if (sock->kind == UDP && python_doing == PYTHON_CONNECT_EX && policy.traits.datagram_dies && rc == 0)
			rc = fail(EINVAL);
	}
	event("connect", fd, sock, rc);
	shadow_put(sock);
	return rc;
}
SHIM_TWIN(__connect, connect);
