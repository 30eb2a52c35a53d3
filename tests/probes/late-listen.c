/* An option that listeners lack, set before: listen fails, and listens. */
#include "probe.h"

int main(void)
{
	int fd = socket_of(SOCK_STREAM), peer = socket_of(SOCK_STREAM), on = 1;

	printf("set=%s", outcome(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)));
	printf(" listen=%s", outcome(listen(fd, 8)));
	need(connect_to(peer, loopback(real_port(fd))) == 0, "connect");
	printf(" accepts=%d\n", accept(fd, NULL, NULL) >= 0);
}
