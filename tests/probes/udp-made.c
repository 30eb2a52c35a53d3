/* udp-made recvfrom|sendto: either makes the socket, which then has a name. */
#include "probe.h"

int main(int argc, char **argv)
{
	int fd = socket_of(SOCK_DGRAM), peer = udp_bound();
	address name = loopback(real_port(peer));
	socklen_t len = sizeof name;
	char byte;

	nonblocking(fd);
	if (argc > 1 && is(argv[1], "sendto"))
		printf("sendto=%s", outcome(sendto(fd, "x", 1, 0, (struct sockaddr *)&name, len)));
	else
		printf("recvfrom=%s", outcome(recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&name, &len)));
	len = sizeof name;
	printf(" getsockname=%s", outcome(getsockname(fd, (struct sockaddr *)&name, &len)));
	printf(" port=%s\n", real_port(fd) ? "chosen" : "0");
}
