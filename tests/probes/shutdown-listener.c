/* A listener that was shut down serves those who wait and those who come. */
#include "probe.h"

int main(void)
{
	int server = listener(8);
	address to = loopback(real_port(server));

	nonblocking(server);
	need(connect_to(socket_of(SOCK_STREAM), to) == 0, "connect");
	printf("shutdown=%s", outcome(shutdown(server, SHUT_RDWR)));
	printf(" queued=%s", accept(server, NULL, NULL) < 0 ? outcome(-1) : "served");
	printf(" connect=%s", outcome(connect_to(socket_of(SOCK_STREAM), to)));
	printf(" new=%s\n", accept(server, NULL, NULL) < 0 ? outcome(-1) : "served");
}
