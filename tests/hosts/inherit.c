/* Sockets made by a program without the library, met by one that has it. */
#include "host.h"

static const char *const names[] = { "a new TCP socket", "a bound one", "a listener", "a client", "a new UDP socket",
				     "a bound UDP socket", "a connected one", "a UNIX socket", "a pipe" };

static void make(int fds[9])
{
	int ends[2], server = listener(8);

	fds[0] = socket_of(SOCK_STREAM);
	fds[1] = asked();
	fds[2] = server;
	connection(ends);
	fds[3] = ends[0];
	fds[4] = socket_of(SOCK_DGRAM);
	fds[5] = udp_bound();
	fds[6] = socket_of(SOCK_DGRAM);
	need(connect_to(fds[6], loopback(real_port(fds[5]))) == 0, "connect");
	fds[7] = socket(AF_UNIX, SOCK_STREAM, 0);
	need(pipe(ends) == 0, "pipe");
	fds[8] = ends[0];
}

int main(int argc, char **argv)
{
	const char *library = getenv("INHERIT_LIBRARY");
	int fds[9];

	if (argc > 1) {
		for (int i = 0; i < 9; i++)
			tell(names[i], 500 + i);
		return 0;
	}
	make(fds);
	for (int i = 0; i < 9; i++)
		need(dup2(fds[i], 500 + i) >= 0, "dup2");
	if (library)
		setenv("LD_PRELOAD", library, 1);
	execl(argv[0], argv[0], "met", (char *)NULL);
}
