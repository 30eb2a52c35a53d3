/* An option that no Java socket has, set before connect. */
#include "probe.h"

int main(void)
{
	int server = listener(8), fd = socket_of(SOCK_STREAM), on = 1;

	printf("set=%s", outcome(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on)));
	printf(" connect=%s\n", outcome(connect_to(fd, loopback(real_port(server)))));
}
