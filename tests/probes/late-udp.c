/* late-udp bind|sendto|connect: an option that UDP lacks, set before. */
#include "probe.h"

int main(int argc, char **argv)
{
	int fd = socket_of(SOCK_DGRAM), on = 1;
	address to = loopback(real_port(udp_bound()));
	const char *call = argc > 1 ? argv[1] : "";

	printf("set=%s", outcome(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on)));
	if (is(call, "bind"))
		printf(" bind=%s\n", outcome(bind_to(fd, loopback(0))));
	else if (is(call, "connect"))
		printf(" connect=%s\n", outcome(connect_to(fd, to)));
	else
		printf(" sendto=%s\n", outcome(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to)));
}
