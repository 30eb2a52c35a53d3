/* bind-taken listen|connect: bind to a port that another socket listens on. */
#include "probe.h"

int main(int argc, char **argv)
{
	int fd = socket_of(SOCK_STREAM), port = real_port(listener(8));

	printf("bind=%s", outcome(bind_to(fd, loopback(port))));
	if (argc > 1 && is(argv[1], "connect"))
		printf(" connect=%s\n", outcome(connect_to(fd, loopback(real_port(listener(8))))));
	else
		printf(" listen=%s\n", outcome(listen(fd, 8)));
}
