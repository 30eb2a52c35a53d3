/* connect with a zero timeout, to a listener whose queue is full. */
#include "probe.h"

int main(void)
{
	int server = listener(1), fd = socket_of(SOCK_STREAM);
	address to = loopback(real_port(server));

	need(syscall(SYS_listen, server, 0) == 0, "listen");
	need(connect_to(socket_of(SOCK_STREAM), to) == 0, "connect");
	interrupt_soon();
	timeout(fd, SO_SNDTIMEO, 0, 0);
	printf("connect=%s\n", outcome(connect_to(fd, to)));
}
