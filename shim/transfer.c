/* What every send and receive on an armed fd has in common. */
#include "io.h"
#include "channel.h"
#include "connect.h"
#include "python.h"
#include "settings.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

/* A verdict that matters is not obeyed before the fd is known to be still that
 * socket; true: it is answered. */
static bool answered(struct transfer *t, struct verdict v)
{
	int rc;

	if (v.mode == OFF)
		return false;
	if (!track_confirm(t->at.fd, t->sock)) {
		shadow_put(t->sock);
		t->sock = NULL;
		fdtable_clear(t->at.fd);
		return false;
	}
	if (!settled(v, &t->at, &rc))
		return false;
	t->rc = rc;
	return true;
}

void transfer_over(struct transfer *t)
{
	shadow_put(t->sock);
	t->sock = NULL;
}

/* True: answered already. */
static bool begin(struct transfer *t)
{
	t->sock = track_unchecked(t->at.fd);
	t->at.sock = t->sock;
	t->at.shown = t->flags ? SHOW_FLAGS : SHOW_NOTHING;
	t->at.values[0] = t->flags;
	if (!t->sock || !t->flags || !answered(t, decide_flags(t->flags)))
		return false;
	transfer_over(t);
	return true;
}

/* --- sends --------------------------------------------------------------- */

static bool is_peer(struct shadow *sock, const void *addr, socklen_t len)
{
	struct address peer, given = { 0 };

	if (!shadow_recall(sock, &sock->peer, &peer) || !peer.len || len < sizeof given.in || !readable(addr, len))
		return true; /* the kernel will say what is wrong with it */
	memcpy(&given.in6, addr, len < sizeof given.in6 ? len : sizeof given.in6);
	if (given.any.sa_family != peer.any.sa_family)
		return false;
	if (given.any.sa_family == AF_INET)
		return given.in.sin_port == peer.in.sin_port && given.in.sin_addr.s_addr == peer.in.sin_addr.s_addr;
	return given.in6.sin6_port == peer.in6.sin6_port &&
	       IN6_ARE_ADDR_EQUAL(&given.in6.sin6_addr, &peer.in6.sin6_addr);
}

/* A UDP socket is made by its first sendto or recvfrom: Java binds it then. */
static bool make_datagram(struct transfer *t)
{
	struct sockaddr_storage any = { .ss_family = t->sock->family };
	struct verdict late = decide_made(t->sock, DATAGRAM);
	int saved = errno, err;

	REAL(bind)(t->at.fd, (struct sockaddr *)&any,
		   t->sock->family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	errno = saved;
	track_role(t->sock, DATAGRAM, IDLE);
	err = settings_apply(t->sock, t->at.fd, DATAGRAM);
	if (answered(t, late))
		return true;
	if (err)
		t->rc = -1, errno = err;
	return err != 0;
}

static bool send_refused(struct transfer *t, const void *addr, socklen_t len)
{
	struct shadow *sock = t->sock;
	bool elsewhere = sock->kind == UDP && t->addressed && sock->link == CONNECTED && !is_peer(sock, addr, len);
	int rc;

	if (t->connects) {
		if (!track_confirm(t->at.fd, sock))
			return false;
		if (connect_refused(sock, &t->at, &rc)) {
			t->rc = rc;
			return true;
		}
		if (readable(addr, len))
			shadow_keep(sock, &sock->peer, addr, len);
		return false;
	}
	if (shadow_is(sock, LISTENER) && policy.traits.channel_ends &&
	    (python_doing == PYTHON_SENDTO || sock->past & (PAST_DATAGRAM | PAST_TRIED | PAST_MUTE)))
		return channel_sends(t, t->len);
	if ((channel_is_hollow(sock) ? t->addressed : channel_is_half(sock) && python_called(t->at.site)) &&
	    channel_sends(t, t->len))
		return true;
	if (answered(t, decide_send(sock, t->addressed, elsewhere)))
		return true;
	if (t->sock && sock->kind == TCP && shadow_is(sock, CLIENT) && policy.traits.channel_ends &&
	    track_confirm(t->at.fd, sock) && channel_sends(t, t->len))
		return true;
	if (t->sock && t->empty && answered(t, decide_empty_datagram(sock, t->addressed)))
		return true;
	if (t->sock && python_doing == PYTHON_SENDTO && answered(t, decide_sendto(sock)))
		return true;
	if (t->sock && sock->kind == UDP && t->addressed && shadow_is(sock, UNMADE) && rule_active(UNCONNECTED_IO))
		return make_datagram(t);
	return false;
}

/* What a UDP socket of 2.7 sends in vain in non-blocking mode counts as sent. */
static bool is_lost(const struct transfer *t)
{
	return policy.traits.failures_are_lost && t->sock->kind == UDP && shadow_timing(t->sock, SEND) == NONBLOCKING &&
	       !shadow_is(t->sock, UNMADE) && (t->addressed || t->sock->link == CONNECTED || shadow_is(t->sock, DEAD));
}

/* An error of the peer's is none of this send's: take it away. */
static void forget_error(const struct transfer *t)
{
	int error = 0;
	socklen_t size = sizeof error;

	if (t->sock->kind == UDP && policy.traits.datagram_errors_lost)
		REAL(getsockopt)(t->at.fd, SOL_SOCKET, SO_ERROR, &error, &size);
}

/* The last error that Jython notes of a refused send: none of an attribute that is
 * missing, -1 of an exception that it has no errno for. */
static void note_refusal(const struct transfer *t)
{
	struct shadow *sock = t->sock;
	bool never = shadow_is(sock, LISTENER) && !(sock->past & (PAST_DATAGRAM | PAST_TRIED | PAST_MUTE));
	int error = errno;

	if (t->rc >= 0 || never || (python_doing == PYTHON_SENDTO && sock->kind == TCP && shadow_is(sock, UNMADE)))
		return;
	if (error == policy.traits.tcp_sendto_error && python_doing != PYTHON_NOTHING)
		error = -1;
	channel_note(sock, error);
}

bool send_begin(struct transfer *t, const void *addr, socklen_t len, int *flags)
{
	if (begin(t))
		return true;
	if (!t->sock)
		return false;
	t->addressed = addr && len;
	t->connects = t->sock->kind == TCP && t->addressed && (t->flags & MSG_FASTOPEN);
	if (send_refused(t, addr, len)) {
		if (t->sock && t->rc < 0 && is_lost(t))
			t->rc = (ssize_t)t->len;
		if (t->sock)
			note_refusal(t);
		transfer_over(t);
		return true;
	}
	if (t->sock)
		forget_error(t);
	if (t->sock && t->sock->kind == TCP && rule_active(ERRNO_MAP))
		*flags |= MSG_NOSIGNAL;
	return false;
}

/* The signal that MSG_NOSIGNAL held back, as the kernel sends it: to this thread. */
static void signal_pipe(int flags)
{
	if (!(flags & MSG_NOSIGNAL))
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGPIPE);
	errno = EPIPE;
}

/* What the error of a send becomes, and the signal that goes with it. */
static void send_error(const struct occasion *at, const struct shadow *sock, int flags)
{
	int error = errno;

	if (sock && track_confirm(at->fd, sock)) {
		struct verdict v = error == EAGAIN && !(flags & MSG_DONTWAIT) ? decide_expired(sock, SEND) :
								  decide_send_error(sock, error);
		errno = mapped(v, at, error);
	}
	if (error == EPIPE && errno == EPIPE)
		signal_pipe(flags);
}

ssize_t send_end(struct transfer *t, ssize_t rc)
{
	struct shadow *sock = t->sock;

	if (!sock)
		return rc;
	if (t->connects) {
		connect_done(sock, rc < 0 ? -1 : 0, &t->at);
	} else if (rc >= 0) {
		if (sock->kind == TCP && sock->link == CONNECTING)
			track_role(sock, CLIENT, CONNECTED);
		if (sock->kind == UDP && t->addressed && shadow_is(sock, UNMADE))
			track_role(sock, DATAGRAM, IDLE);
	} else if (is_lost(t)) {
		rc = (ssize_t)t->len;
	} else if (policy.traits.failures_are_lost && python_doing == PYTHON_SEND && sock->kind == TCP &&
		   shadow_timing(sock, SEND) == NONBLOCKING) {
		rc = 0; /* no room, or nobody there */
	} else {
		if (sock->link == CONNECTING)
			connect_failed(sock, errno);
		send_error(&t->at, sock, sock->kind == TCP && rule_active(ERRNO_MAP) ? t->flags : t->flags | MSG_NOSIGNAL);
	}
	channel_note(sock, rc < 0 ? errno : 0);
	transfer_over(t);
	return rc;
}

ssize_t send_failed(const struct occasion *at, int flags)
{
	struct occasion here = *at;
	struct shadow *sock;

	if (errno != EPIPE)
		return -1;
	sock = track_unchecked(at->fd);
	here.sock = sock;
	send_error(&here, sock, flags);
	shadow_put(sock);
	return -1;
}

/* --- receives ------------------------------------------------------------ */

bool recv_begin(struct transfer *t)
{
	if (begin(t))
		return true;
	if (!t->sock)
		return false;
	/* A listener that was a client is still told what comes for that one, and its end. */
	if ((t->sock->parked || shadow_past(t->sock) & PAST_END) && shadow_is(t->sock, LISTENER) && track_confirm(t->at.fd, t->sock)) {
		if (channel_receives(t)) {
			channel_note(t->sock, t->rc < 0 ? errno : 0);
			transfer_over(t);
			return true;
		}
		if (t->source != t->at.fd)
			return false;
	}
	if (answered(t, decide_recv(t->sock, t->addressed)) ||
	    (t->sock && t->sock->kind == UDP && t->addressed && shadow_is(t->sock, UNMADE) &&
	     rule_holds(UNCONNECTED_IO, &t->at) && track_confirm(t->at.fd, t->sock) && make_datagram(t))) {
		if (t->sock && shadow_is(t->sock, LISTENER) && errno == EAGAIN)
			channel_note(t->sock, EAGAIN);
		transfer_over(t);
		return true;
	}
	if (t->sock && policy.traits.channel_ends && channel_made(t->sock) && track_confirm(t->at.fd, t->sock) &&
	    channel_receives(t)) {
		channel_note(t->sock, t->rc < 0 ? errno : 0);
		transfer_over(t);
		return true;
	}
	return false;
}

bool recv_again(struct transfer *t, ssize_t rc)
{
	return rc < 0 && errno == ECONNREFUSED && t->sock && t->sock->kind == UDP && policy.traits.datagram_errors_lost;
}

ssize_t recv_end(struct transfer *t, ssize_t rc)
{
	struct shadow *sock = t->sock;

	if (!sock)
		return rc;
	if (sock->kind == TCP && sock->link == CONNECTING && t->source == t->at.fd) {
		if (rc >= 0)
			track_role(sock, CLIENT, CONNECTED);
		else
			connect_failed(sock, errno);
	}
	if (sock->kind == TCP && (shadow_is(sock, CLIENT) || t->source != t->at.fd) && policy.traits.channel_ends)
		rc = channel_received(t, rc);
	channel_note(sock, rc < 0 ? errno : 0);
	if (rc < 0 && errno == ECONNRESET && sock->kind == TCP)
		sock->past |= PAST_RESET;
	if (rc < 0 && errno == EAGAIN && !(t->flags & MSG_DONTWAIT) && track_confirm(t->at.fd, sock))
		errno = mapped(decide_expired(sock, RECEIVE), &t->at, EAGAIN);
	return rc;
}

bool recv_hides_source(const struct transfer *t)
{
	struct verdict v = PASS;

	if (t->sock && !(t->flags & MSG_DONTWAIT))
		v = decide_source(t->sock);
	if (v.mode == OFF || !track_confirm(t->at.fd, t->sock))
		return false;
	v = report_finding(v, &t->at);
	python_source_hidden = enforced(v);
	return enforced(v);
}

bool recv_source(const struct transfer *t, struct sockaddr *addr, socklen_t room, socklen_t *len)
{
	struct address peer;

	if (recv_hides_source(t))
		*len = 0;
	else if (policy.traits.stream_source && t->sock && t->sock->kind == TCP && python_called(t->at.site) &&
		 rule_holds(REMEMBERED_PEER, &t->at)) {
		if (shadow_is(t->sock, LISTENER)) {
			errno = ENOTCONN; /* what is received was for the client that it was, and has no peer now */
			return false;
		}
		if (shadow_recall(t->sock, &t->sock->peer, &peer) && peer.len)
			answer_address(&peer, addr, room, len);
	}
	return true;
}
