/* Decisions by state and mode: what the probes cannot reach, or only with luck. */
#undef NDEBUG
#include "decide.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

static struct shadow sock;

static struct shadow *as(enum kind kind, enum role role, enum link link)
{
	shadow_init(&sock, kind, AF_INET);
	sock.role = (unsigned char)role;
	sock.link = (unsigned char)link;
	shadow_rearm(&sock);
	return &sock;
}

static bool fails(struct verdict v, enum rule rule, int err)
{
	return v.mode == ENFORCE && v.rule == rule && v.rc == -1 && v.err == err;
}

static bool passes(struct verdict v)
{
	return v.mode == OFF;
}

static void override(const char *text)
{
	char reason[256];

	assert(policy_set_profile("2.5") && !policy_override(text, reason, sizeof reason));
}

static void errors(void)
{
	override("");
	assert(fails(decide_bind_error(EACCES), ERRNO_MAP, EADDRINUSE));
	assert(fails(decide_bind_error(EADDRNOTAVAIL), ERRNO_MAP, EADDRINUSE));
	assert(passes(decide_bind_error(EADDRINUSE)) && passes(decide_bind_error(EINVAL)));
	assert(fails(decide_connect_error(ETIMEDOUT), ERRNO_MAP, ECONNREFUSED));
	assert(passes(decide_connect_error(ENETUNREACH)) && passes(decide_connect_error(ECONNREFUSED)));
	assert(connect_kills(ECONNREFUSED) && connect_kills(ETIMEDOUT) && connect_kills(EHOSTUNREACH));
	assert(!connect_kills(EINPROGRESS) && !connect_kills(EINTR) && !connect_kills(EFAULT) && !connect_kills(EBADF));
	assert(fails(decide_send_error(as(TCP, CLIENT, CONNECTED), EPIPE), ERRNO_MAP, ECONNRESET));
	assert(passes(decide_send_error(as(TCP, CLIENT, CONNECTED), EAGAIN)));
	assert(passes(decide_send_error(as(TCP, UNMADE, IDLE), EPIPE)));
	assert(fails(decide_send_error(as(UDP, DATAGRAM, IDLE), EACCES), ERRNO_MAP, EADDRINUSE));
	override("errno-map=off");
	assert(passes(decide_bind_error(EACCES)) && passes(decide_send_error(as(TCP, CLIENT, CONNECTED), EPIPE)));
}

static void roles(void)
{
	override("");
	assert(fails(decide_listen(as(TCP, CLIENT, CONNECTED)), ONE_LIFE, EINVAL));
	assert(fails(decide_listen(as(TCP, DEAD, IDLE)), ONE_LIFE, EINVAL) && passes(decide_listen(as(TCP, UNMADE, IDLE))));
	assert(fails(decide_connect(as(TCP, DEAD, IDLE)), ONE_LIFE, EINVAL));
	assert(passes(decide_connect(as(TCP, CLIENT, CONNECTING)))); /* interrupted by a signal */
	assert(fails(decide_connect(as(UDP, DATAGRAM, CONNECTED)), UDP_CONNECT, EINVAL));
	assert(passes(decide_connect(as(UDP, DATAGRAM, IDLE))));
	assert(fails(decide_recv(as(TCP, LISTENER, IDLE), true), UNCONNECTED_IO, ENOTCONN));
	assert(passes(decide_recv(as(TCP, CLIENT, CONNECTING), true)));
	assert(fails(decide_shutdown(as(TCP, DEAD, IDLE), 2), ONE_LIFE, EPIPE));
	assert(passes(decide_shutdown(as(TCP, LISTENER, IDLE), 3)));
	assert(decide_backlog(-1).rc == 50 && passes(decide_backlog(1)));
	override("one-life=report");
	assert(decide_listen(as(TCP, CLIENT, CONNECTED)).mode == REPORT);
}

static void options(void)
{
	int keepalive = option_row(SOL_SOCKET, SO_KEEPALIVE), broadcast = option_row(SOL_SOCKET, SO_BROADCAST);
	int unknown = option_row(4711, 42);

	override("");
	assert(option_row(SOL_SOCKET, SO_REUSEPORT) != keepalive && keepalive != unknown && keepalive != broadcast);
	assert(passes(decide_setsockopt(as(TCP, UNMADE, IDLE), keepalive)));
	assert(fails(decide_setsockopt(as(TCP, LISTENER, IDLE), keepalive), UNSUPPORTED_OPTION, ENOPROTOOPT));
	assert(fails(decide_setsockopt(as(TCP, UNMADE, IDLE), unknown), UNSUPPORTED_OPTION, ENOPROTOOPT));
	assert(fails(decide_setsockopt(as(TCP, UNMADE, IDLE), option_row(SOL_SOCKET, SO_ERROR)), UNSUPPORTED_OPTION, ENOPROTOOPT));
	as(TCP, UNMADE, IDLE)->early = 1U << keepalive;
	assert(fails(decide_made(&sock, LISTENER), LATE_OPTION_ERROR, ENOPROTOOPT) && passes(decide_made(&sock, CLIENT)));
	sock.early = 1U << unknown;
	assert(fails(decide_made(&sock, CLIENT), LATE_OPTION_ERROR, ENOPROTOOPT));
	as(UDP, UNMADE, IDLE)->early = 1U << broadcast;
	assert(passes(decide_made(&sock, DATAGRAM)));
	as(TCP, UNMADE, IDLE)->buffer[SEND] = 1000;
	assert(decide_buffer_readback(&sock, SEND, 9000).rc == 4500);
	sock.buffer_set[SEND] = 1;
	assert(decide_buffer_readback(&sock, SEND, 9000).rc == 1000 && decide_buffer_readback(&sock, RECEIVE, 9000).rc == 4500);
}

/* A connected client in profile 2.5 needs one look at EPIPE and no more. */
static void arming(void)
{
	override("all=off");
	for (int role = UNMADE; role <= DEAD; role++)
		assert(!(decide_armed(as(TCP, (enum role)role, CONNECTED)) & (unsigned)~(ARMED_SEND | ARMED_SENDTO | ARMED_RECV | ARMED_RECVFROM)));
	assert(decide_armed(as(TCP, CLIENT, CONNECTED)) == 0);
	override("");
	policy_silence();
	assert(decide_armed(as(TCP, CLIENT, CONNECTED)) == ARMED_PIPE);
	sock.timeout_zero[RECEIVE] = 1;
	assert(decide_armed(&sock) == (ARMED_PIPE | ARMED_RECV | ARMED_RECVFROM));
	assert(decide_armed(as(TCP, DEAD, IDLE)) & ARMED_RECV && decide_armed(as(TCP, UNMADE, IDLE)) & ARMED_SEND);
	assert(!(decide_armed(as(UDP, DATAGRAM, CONNECTED)) & (ARMED_SEND | ARMED_RECV)));
	sock.timeout_set[RECEIVE] = 1;
	assert(decide_armed(&sock) & ARMED_RECVFROM);
	sock.nonblocking = 1;
	assert(!(decide_armed(&sock) & ARMED_RECVFROM));
}

static void sockets(void)
{
	override("socket-family=enforce");
	assert(passes(decide_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
	assert(passes(decide_socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP)));
	assert(fails(decide_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), SOCKET_FAMILY, EPROTONOSUPPORT));
	assert(fails(decide_socket(AF_INET, SOCK_RAW, 0), SOCKET_FAMILY, ESOCKTNOSUPPORT));
	assert(fails(decide_socket(AF_UNIX, SOCK_STREAM, 0), SOCKET_FAMILY, EAFNOSUPPORT));
}

int main(void)
{
	errors();
	roles();
	options();
	arming();
	sockets();
	return 0;
}
