/* shutdown-udp unmade|bound|connected: what shutdown says, and can it send after? */
#include "probe.h"

int main(int argc, char **argv)
{
	const char *state = argc > 1 ? argv[1] : "";
	int peer = udp_bound(), fd = is(state, "bound") ? udp_bound() : socket_of(SOCK_DGRAM);
	address to = loopback(real_port(peer));

	watch(SIGPIPE);
	if (is(state, "connected"))
		need(connect_to(fd, to) == 0, "connect");
	printf("shutdown=%s", outcome(shutdown(fd, SHUT_RDWR)));
	printf(" sendto=%s\n", outcome(is(state, "connected") ? send(fd, "x", 1, 0) :
				      sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to)));
}
