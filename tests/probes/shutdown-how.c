/* shutdown-how listener|udp|client: an invalid argument is an error everywhere. */
#include "probe.h"

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	int ends[2], fd;

	connection(ends);
	fd = is(kind, "listener") ? listener(8) : is(kind, "udp") ? udp_bound() : ends[0];
	printf("shutdown=%s\n", outcome(shutdown(fd, 3)));
}
