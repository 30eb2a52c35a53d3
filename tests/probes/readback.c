/* readback ROLE RCVBUF|SNDBUF: a buffer size as it reads after it was set. */
#include "probe.h"

int main(int argc, char **argv)
{
	int option = argc > 2 && is(argv[2], "SNDBUF") ? SO_SNDBUF : SO_RCVBUF, size = 20000, ends[2], fd;
	socklen_t len = sizeof size;

	if (is(argv[1], "client"))
		connection(ends), fd = ends[0];
	else
		fd = is(argv[1], "listener") ? listener(8) : is(argv[1], "bound") ? udp_bound() :
		     socket_of(is(argv[1], "datagram") ? SOCK_DGRAM : SOCK_STREAM);
	need(setsockopt(fd, SOL_SOCKET, option, &size, sizeof size) == 0, "set");
	need(getsockopt(fd, SOL_SOCKET, option, &size, &len) == 0, "get");
	printf("%s=%d\n", argv[2], size);
}
