/* buffer-zero SIZE: a buffer size that is not positive, on a made socket. */
#include "probe.h"

int main(int argc, char **argv)
{
	int ends[2], size = argc > 1 ? atoi(argv[1]) : 0;

	connection(ends);
	printf("set=%s\n", outcome(setsockopt(ends[0], SOL_SOCKET, SO_RCVBUF, &size, sizeof size)));
}
