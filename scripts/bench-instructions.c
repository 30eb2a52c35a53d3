/* Calls one libc function N times on one fd: for scripts/bench-instructions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int connected(int *peer)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof addr;
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len) || connect(client, (struct sockaddr *)&addr, len))
		exit(1);
	*peer = accept(listener, NULL, NULL);
	return client;
}

int main(int argc, char **argv)
{
	const char *call = argc > 1 ? argv[1] : "send";
	long count = argc > 2 ? atol(argv[2]) : 1000;
	int untracked = argc > 3 && strcmp(argv[3], "untracked") == 0;
	int peer, pair[2], fd = connected(&peer);
	char byte = 0;

	if (untracked) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			return 1;
		/* Not met by anybody: a number that no slot knows. */
		fd = 500;
		if (dup2(pair[0], 501) < 0 || dup2(pair[0], fd) < 0)
			return 1;
	}
	for (long i = 0; i < count; i++) {
		/* Zero bytes: no room needed, no waiting. */
		if (strcmp(call, "send") == 0)
			send(fd, &byte, 0, 0);
		else if (strcmp(call, "recv") == 0)
			recv(fd, &byte, 0, MSG_DONTWAIT);
		else if (strcmp(call, "read") == 0)
			read(fd, &byte, 0);
		else
			write(fd, &byte, 0);
	}
	return 0;
}
