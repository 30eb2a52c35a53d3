/* wait-quiet poll|ppoll: the events of a connection that was reset. */
#include "probe.h"

int main(int argc, char **argv)
{
	int ends[2], rc;
	struct pollfd one;

	connection(ends);
	nonblocking(ends[0]);
	reset(ends[1]);
	one = (struct pollfd){ ends[0], POLLIN, 0 };
	rc = argc > 1 && is(argv[1], "ppoll") ? ppoll(&one, 1, NULL, NULL) : poll(&one, 1, -1);
	printf("ready=%s", outcome(rc));
	printf("%s%s%s\n", one.revents & POLLIN ? " in" : "", one.revents & POLLERR ? " err" : "",
	       one.revents & POLLHUP ? " hup" : "");
}
