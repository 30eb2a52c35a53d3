/* null-source timeout|blocking|nonblocking recvfrom|recvmsg: who sent the datagram? */
#include "probe.h"

int main(int argc, char **argv)
{
	int fd = udp_bound(), peer = socket_of(SOCK_DGRAM);
	address to = loopback(real_port(fd)), from = { 0 };
	socklen_t len = sizeof from;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1 };

	need(sendto(peer, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1, "send");
	if (!is(argv[1], "blocking"))
		timeout(fd, SO_RCVTIMEO, 9, 0);
	if (is(argv[1], "nonblocking"))
		nonblocking(fd);
	if (argc > 2 && is(argv[2], "recvmsg")) {
		printf("recvmsg=%s", outcome(recvmsg(fd, &msg, 0)));
		len = msg.msg_namelen;
	} else {
		printf("recvfrom=%s", outcome(recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&from, &len)));
	}
	printf(" length=%u\n", len);
}
