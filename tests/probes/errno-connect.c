/* connect to a listener that never answers. */
#include "probe.h"

int main(void)
{
	int server = listener(1), fd = socket_of(SOCK_STREAM), milliseconds = 1;
	address to = loopback(real_port(server));

	need(syscall(SYS_listen, server, 0) == 0, "listen");
	need(connect_to(socket_of(SOCK_STREAM), to) == 0, "connect");
	/* As the kernel's patience, which no program that Java could be has. */
	need(syscall(SYS_setsockopt, fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds) == 0, "set");
	printf("connect=%s\n", outcome(connect_to(fd, to)));
}
