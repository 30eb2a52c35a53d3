/* errno-broadcast sendto|sendmsg|connect: without SO_BROADCAST. */
#include "probe.h"

int main(int argc, char **argv)
{
	int fd = udp_bound();
	address to = loopback(9);
	char byte = 'x';
	struct iovec part = { &byte, 1 };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1 };
	const char *call = argc > 1 ? argv[1] : "";

	to.sin_addr.s_addr = htonl(0x7fffffff);
	printf("%s=%s\n", call, outcome(is(call, "connect") ? connect_to(fd, to) :
					is(call, "sendmsg") ? sendmsg(fd, &msg, 0) :
					sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to)));
}
