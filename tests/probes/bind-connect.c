/* A client's remembered bind is done before it connects. */
#include "probe.h"

int main(void)
{
	int server = listener(8), fd = socket_of(SOCK_STREAM);
	address name = loopback(0), peer = { 0 };
	socklen_t len = sizeof peer;

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	printf("bind=%s", outcome(bind_to(fd, name)));
	printf(" connect=%s", outcome(connect_to(fd, loopback(real_port(server)))));
	need(accept(server, (struct sockaddr *)&peer, &len) >= 0, "accept");
	printf(" from=%s\n", inet_ntoa(peer.sin_addr));
}
