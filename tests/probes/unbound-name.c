/* unbound-name tcp|udp: the name of a socket that has none. */
#include "probe.h"

int main(int argc, char **argv)
{
	int fd = socket_of(argc > 1 && is(argv[1], "udp") ? SOCK_DGRAM : SOCK_STREAM);
	address name;
	socklen_t len = sizeof name;

	printf("getsockname=%s\n", outcome(getsockname(fd, (struct sockaddr *)&name, &len)));
}
