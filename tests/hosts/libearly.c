/* A library whose constructor uses sockets, be it before or after ours. */
#include "host.h"

__attribute__((constructor)) static void early(void)
{
	int fd = socket_of(SOCK_STREAM);

	tell("new", fd);
	need(bind_to(fd, loopback(0)) == 0, "bind");
	tell("after bind", fd);
	need(listen(fd, 8) == 0, "listen");
	tell("after listen", fd);
}
