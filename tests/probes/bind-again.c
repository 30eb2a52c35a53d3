/* A bind that listen found impossible is still the socket's one bind. */
#include "probe.h"

int main(void)
{
	int fd = socket_of(SOCK_STREAM), port = real_port(listener(8)), bound = bind_to(fd, loopback(port));

	if (bound == 0)
		listen(fd, 8);
	printf("again=%s\n", outcome(bind_to(fd, loopback(0))));
}
