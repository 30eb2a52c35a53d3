/* udp-connect again|dissolve|elsewhere|same: a connected UDP socket and another address. */
#include "probe.h"

int main(int argc, char **argv)
{
	const char *scene = argc > 1 ? argv[1] : "";
	int fd = socket_of(SOCK_DGRAM), first = udp_bound(), second = udp_bound();
	address to = loopback(real_port(is(scene, "same") ? first : second));

	need(connect_to(fd, loopback(real_port(first))) == 0, "connect");
	if (is(scene, "dissolve"))
		to.sin_family = AF_UNSPEC;
	if (is(scene, "again") || is(scene, "dissolve"))
		printf("connect=%s\n", outcome(connect_to(fd, to)));
	else
		printf("sendto=%s\n", outcome(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to)));
}
