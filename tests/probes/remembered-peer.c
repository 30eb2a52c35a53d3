/* remembered-peer refused|reset: who was it? */
#include "probe.h"

int main(int argc, char **argv)
{
	int ends[2];
	address peer = { 0 };
	socklen_t len = sizeof peer;

	if (argc > 1 && is(argv[1], "reset")) {
		connection(ends);
		reset(ends[1]);
	} else {
		ends[0] = socket_of(SOCK_STREAM);
		need(connect_to(ends[0], refusing()) < 0, "be refused");
	}
	printf("getpeername=%s\n", outcome(getpeername(ends[0], (struct sockaddr *)&peer, &len)));
}
