/* Bad pointers, lengths and descriptors: each call fails, or not, as on Linux. */
#include "host.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>

static char *bad;  /* no memory there */
static char *edge; /* four bytes of memory, then none */

/* Nothing that the compiler could know, and warn of. */
static void *volatile nothing;
static volatile int minus = -1, thousands = 5000;

#define SAY(call) (printf("%s = %s\n", #call, outcome(call)), fflush(stdout))

static void names(int fd, int tcp)
{
	address good = loopback(0);
	socklen_t huge = (socklen_t)-1, zero = 0, four = 4;

	SAY(bind(fd, NULL, sizeof good));
	SAY(bind(fd, (void *)bad, sizeof good));
	SAY(bind(fd, (void *)edge, sizeof good));
	SAY(bind(fd, (void *)&good, 3));
	SAY(bind(fd, (void *)&good, 0));
	SAY(bind(fd, (void *)&good, huge));
	SAY(bind(fd, (void *)&good, 4096));
	good.sin_family = AF_UNIX;
	SAY(bind(fd, (void *)&good, sizeof good));
	good.sin_family = AF_INET;
	SAY(connect(fd, NULL, sizeof good));
	SAY(connect(fd, (void *)bad, sizeof good));
	SAY(connect(fd, (void *)edge, sizeof good));
	SAY(connect(fd, (void *)&good, 1));
	SAY(connect(fd, (void *)&good, 7));
	SAY(connect(fd, (void *)&good, huge));
	SAY(getsockname(tcp, (void *)&good, NULL));
	SAY(getsockname(tcp, (void *)&good, (void *)bad));
	SAY(getsockname(tcp, (void *)bad, &four));
	SAY(getsockname(tcp, (void *)&good, &huge));
	SAY(getsockname(tcp, (void *)&good, &zero));
	SAY(zero == sizeof good);
	SAY(getsockname(tcp, NULL, &four));
	SAY(getpeername(tcp, (void *)bad, &four));
	SAY(getpeername(tcp, (void *)&good, (void *)bad));
	SAY(getpeername(tcp, (void *)&good, &huge));
}

/* A name that is only remembered is given out as the kernel gives its own. */
static void remembered(int family, socklen_t len)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage whole;
	} name = { .any.sa_family = (sa_family_t)family };
	int fd = socket(family, SOCK_STREAM, 0), bound;
	unsigned char room[64];
	socklen_t size;

	if (family == AF_INET)
		name.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		name.in6.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
	SAY(bound = bind(fd, &name.any, len));
	if (bound != 0)
		return;
	SAY(bind(fd, &name.any, len));
	for (socklen_t asked_for = 0; asked_for < 40; asked_for++) {
		memset(room, 0xee, sizeof room);
		size = asked_for;
		SAY(getsockname(fd, (void *)room, &size));
		memset(room + 2, 0xee, size < 4 ? size : 2); /* the port, which differs */
		printf("%u of %u:", size, asked_for);
		for (size_t i = 0; i < sizeof room; i++)
			printf(" %x", room[i]);
		printf("\n");
	}
	size = 4;
	SAY(getsockname(fd, (void *)bad, &size));
	SAY(getsockname(fd, NULL, &size));
	SAY(getsockname(fd, (void *)room, NULL));
	SAY(getsockname(fd, (void *)room, (void *)bad));
	size = (socklen_t)-1;
	SAY(getsockname(fd, (void *)room, &size));
}

static void options(int fd)
{
	int value = 1;
	socklen_t len = sizeof value, huge = (socklen_t)-1, one = 1;

	SAY(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, NULL, sizeof value));
	SAY(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, bad, sizeof value));
	SAY(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, 1));
	SAY(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, huge));
	SAY(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, NULL, 16));
	SAY(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, edge, 16));
	SAY(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value));
	SAY(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, bad, sizeof value));
	SAY(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, NULL, &len));
	SAY(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, bad, &len));
	SAY(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, NULL));
	SAY(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, (void *)bad));
	SAY(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &huge));
	SAY(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &one));
	SAY(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, &one));
	SAY(getsockopt(fd, SOL_SOCKET, SO_ERROR, bad, &len));
}

static void sends(int fd, int udp)
{
	address to = loopback(real_port(udp));
	struct iovec part = { bad, 4 };
	struct msghdr msg = { .msg_iov = (void *)bad, .msg_iovlen = 1 };
	struct mmsghdr many = { .msg_hdr = { .msg_iov = &part, .msg_iovlen = 1 } };

	SAY(send(fd, bad, 4, 0));
	SAY(send(fd, edge, 64, MSG_DONTWAIT) >= 0 || errno == EFAULT);
	SAY(write(fd, bad, 4));
	SAY(writev(fd, (void *)bad, 1));
	SAY(writev(fd, &part, 1));
	SAY(writev(fd, &part, minus));
	SAY(writev(fd, &part, thousands));
	SAY(sendmsg(fd, NULL, 0));
	SAY(sendmsg(fd, (void *)bad, 0));
	SAY(sendmsg(fd, &msg, 0));
	msg = many.msg_hdr;
	SAY(sendmsg(fd, &msg, 0));
	msg.msg_control = bad;
	msg.msg_controllen = 64;
	SAY(sendmsg(fd, &msg, 0));
	SAY(sendmmsg(fd, NULL, 1, 0));
	SAY(sendmmsg(fd, (void *)bad, 3, 0));
	SAY(sendmmsg(fd, &many, 1, 0));
	SAY(sendmmsg(fd, &many, 0, 0));
	SAY(sendto(udp, "x", 1, 0, (void *)bad, sizeof to));
	SAY(sendto(udp, "x", 1, 0, (void *)edge, sizeof to));
	SAY(sendto(udp, "x", 1, 0, (void *)&to, 3));
	SAY(sendto(udp, "x", 1, 0, (void *)&to, (socklen_t)-1));
	SAY(sendto(udp, bad, 1, 0, (void *)&to, sizeof to));
	SAY(sendto(udp, "x", 1, 0, (void *)&to, sizeof to));
	SAY(sendto(fd, "x", 1, MSG_FASTOPEN, (void *)bad, sizeof to));
}

static void receives(int fd, int udp)
{
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr msg = { .msg_iov = (void *)bad, .msg_iovlen = 1 };
	socklen_t huge = (socklen_t)-1;

	SAY(recv(fd, bad, 1, 0));
	SAY(read(fd, bad, 1));
	SAY(readv(fd, (void *)bad, 1));
	SAY(readv(fd, &part, minus));
	SAY(recvfrom(udp, &byte, 1, MSG_DONTWAIT, (void *)bad, NULL));
	SAY(recvfrom(udp, &byte, 1, MSG_DONTWAIT, NULL, (void *)bad));
	SAY(recvfrom(udp, &byte, 1, MSG_DONTWAIT, (void *)&part, &huge));
	SAY(recvmsg(udp, NULL, MSG_DONTWAIT));
	SAY(recvmsg(fd, (void *)bad, 0));
	SAY(recvmsg(fd, &msg, 0));
	SAY(recvmmsg(fd, (void *)bad, 1, MSG_DONTWAIT, NULL));
	SAY(recvmmsg(fd, NULL, 1, MSG_DONTWAIT, NULL));
	SAY(recvmmsg(udp, NULL, 0, MSG_DONTWAIT, NULL));
	SAY(accept(fd, NULL, NULL));
}

static void waits(int fd)
{
	struct timeval now = { 0, 0 };
	struct timespec at_once = { 0, 0 };

	SAY(poll(nothing, 1, 0));
	SAY(poll((void *)bad, 1, 0));
	SAY(poll((void *)edge, 1, 0));
	SAY(poll(NULL, 0, 0));
	SAY(poll(nothing, (nfds_t)thousands * 1000000, 0));
	SAY(ppoll((void *)bad, 1, &at_once, NULL));
	SAY(select(fd + 1, (void *)bad, NULL, NULL, &now));
	SAY(select(-1, NULL, NULL, NULL, &now));
	SAY(pselect(fd + 1, NULL, (void *)bad, NULL, &at_once, NULL));
	SAY(epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, fd, (void *)bad));
	SAY(epoll_ctl(fd, EPOLL_CTL_DEL, fd, NULL));
	SAY(epoll_ctl(-1, EPOLL_CTL_DEL, fd, NULL));
}

static void controls(int fd)
{
	SAY(ioctl(fd, FIONBIO, NULL));
	SAY(ioctl(fd, FIONBIO, bad));
	SAY(ioctl(fd, FIONREAD, bad));
	SAY(ioctl(-1, FIONBIO, bad));
	SAY(fcntl(fd, F_GETLK, bad));
	SAY(fcntl(fd, F_DUPFD, -1));
	SAY(fcntl(fd, 4711, 0));
	SAY(fcntl(-1, F_GETFD));
	SAY(shutdown(-1, 3));
	SAY(listen(-1, 0));
	SAY(listen(0x7fffffff, 0));
	SAY(dup(-1));
	SAY(dup2(fd, -1));
	SAY(dup3(fd, fd, 0));
	SAY(close(-1));
	SAY(close(0x7fffffff));
	SAY(close_range(9, 8, 0));
	SAY(close_range(900, 901, 0x4000));
	SAY(accept4(fd, NULL, NULL, 0x4000));
	SAY(socket(-1, 0, 0));
	SAY(socket(AF_INET, SOCK_STREAM | 0x4000, 0));
	SAY(socketpair(AF_INET, SOCK_STREAM, 0, NULL));
	SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, (void *)bad));
	SAY(send(-1, "x", 1, 0));
	SAY(write(-1, "x", 1));
	SAY(recv(0x7fffffff, bad, 1, 0));
	SAY(getsockname(-1, NULL, NULL));
	SAY(setsockopt(-1, SOL_SOCKET, SO_RCVBUF, NULL, 0));
	SAY(getsockopt(0, SOL_SOCKET, SO_RCVBUF, NULL, NULL));
	SAY(bind(0, NULL, 0));
	SAY(connect(0, NULL, 0));
	SAY(sendmsg(0, NULL, 0));
}

int main(void)
{
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ends[2];

	need(memory != MAP_FAILED && munmap(memory + 4096, 4096) == 0, "map");
	bad = memory + 4096;
	edge = memory + 4092;
	memcpy(edge, "\2\0\0\0", 4); /* the beginning of an address of AF_INET */
	connection(ends);
	names(socket_of(SOCK_STREAM), ends[0]);
	names(socket_of(SOCK_DGRAM), ends[1]);
	remembered(AF_INET, 15);
	remembered(AF_INET, 16);
	remembered(AF_INET, 128);
	remembered(AF_INET6, 16);
	remembered(AF_INET6, 23);
	remembered(AF_INET6, 24); /* as in RFC 2133 */
	remembered(AF_INET6, 28);
	remembered(AF_INET6, 128);
	options(socket_of(SOCK_STREAM));
	options(ends[0]);
	options(udp_bound());
	sends(ends[0], udp_bound());
	need(send(ends[1], "abcdefghijklmn", 14, 0) == 14, "send");
	receives(ends[0], udp_bound());
	waits(ends[0]);
	controls(ends[0]);
}
