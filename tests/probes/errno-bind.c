/* errno-bind tcp|udp: an address that is not this machine's. */
#include "probe.h"

int main(int argc, char **argv)
{
	int fd = socket_of(argc > 1 && is(argv[1], "udp") ? SOCK_DGRAM : SOCK_STREAM);
	address name = loopback(0);

	name.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, documentation */
	printf("bind=%s", outcome(bind_to(fd, name)));
	if (is(argv[1], "tcp"))
		printf(" listen=%s", outcome(listen(fd, 8)));
	printf("\n");
}
