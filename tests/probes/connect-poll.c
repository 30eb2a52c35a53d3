/* connect-poll established|refused: a non-blocking connect, called again. */
#include "probe.h"

int main(int argc, char **argv)
{
	int fd = socket_of(SOCK_STREAM);
	address to = argc > 1 && is(argv[1], "refused") ? refusing() : loopback(real_port(listener(8)));

	nonblocking(fd);
	printf("connect=%s", outcome(connect_to(fd, to)));
	printf(" again=%s", outcome(connect_to(fd, to)));
	printf(" again=%s\n", outcome(connect_to(fd, to)));
}
