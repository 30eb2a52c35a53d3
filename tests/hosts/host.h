/* What every host needs: a word for what a socket is to the library, asked by
 * libc calls alone.  Without the library all sockets are "plain". */
#ifndef HOST_H
#define HOST_H

#include "../probes/probe.h"

MAYBE const char *state_udp(int fd)
{
	address name;
	socklen_t len = sizeof name;

	if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
		return "udp unmade";
	if (send(fd, "x", 1, 0) < 0 && errno == ENOTCONN)
		return "udp made";
	return "udp connected";
}

MAYBE const char *state_tcp(int fd)
{
	address name = { 0 };
	socklen_t len = sizeof name;
	int value;

	if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
		return "unmade";
	len = sizeof value;
	if (getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len) != 0 && errno == ENOPROTOOPT)
		return "listener";
	if (real_port(fd) == 0)
		return name.sin_port ? "asked for a port" : "asked";
	if (recv(fd, &value, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EPIPE)
		return "dead";
	len = sizeof name;
	if (getpeername(fd, (struct sockaddr *)&name, &len) == 0)
		return "client";
	return shutdown(fd, SHUT_RD) == 0 ? "listener" : "bound"; /* 2.7 has TCP_NODELAY for listeners, too */
}

MAYBE const char *state(int fd)
{
	int zero = 0, type;
	socklen_t len = sizeof type;

	if (fcntl(fd, F_GETFD) < 0)
		return "closed";
	if (syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0)
		return "not a socket";
	if (setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &zero, sizeof zero) == 0)
		return "plain";
	return type == SOCK_DGRAM ? state_udp(fd) : state_tcp(fd);
}

MAYBE void tell(const char *what, int fd)
{
	printf("%s: %s\n", what, state(fd));
	fflush(stdout);
}

/* A TCP socket for which bind was called, with port 0. */
MAYBE int asked(void)
{
	int fd = socket_of(SOCK_STREAM);

	need(bind_to(fd, loopback(0)) == 0, "bind");
	return fd;
}

MAYBE void send_fd(int over, int fd)
{
	char byte = 'x', room[CMSG_SPACE(sizeof fd)] = { 0 };
	struct iovec part = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };

	*CMSG_FIRSTHDR(&msg) = (struct cmsghdr){ CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof fd);
	need(sendmsg(over, &msg, 0) == 1, "send a descriptor");
}

MAYBE int receive_fd(int over, bool many)
{
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &byte, 1 };
	struct mmsghdr one = { .msg_hdr = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room,
					    .msg_controllen = sizeof room } };
	int fd;

	need((many ? recvmmsg(over, &one, 1, 0, NULL) : recvmsg(over, &one.msg_hdr, 0)) == 1, "receive");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&one.msg_hdr)), sizeof fd);
	return fd;
}

#endif
