/* A size set before the socket was made is still what was asked. */
#include "probe.h"

int main(void)
{
	int fd = socket_of(SOCK_STREAM), size = 20000;
	socklen_t len = sizeof size;

	need(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0, "set");
	need(connect_to(fd, loopback(real_port(listener(8)))) == 0, "connect");
	need(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len) == 0, "get");
	printf("RCVBUF=%d\n", size);
}
