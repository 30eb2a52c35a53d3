/* one-life-io CALL: a transfer on a socket whose connect was refused. */
#include "transfer.h"

int main(int argc, char **argv)
{
	int fd = socket_of(SOCK_STREAM);

	watch(SIGPIPE);
	need(connect_to(fd, refusing()) < 0, "be refused");
	printf("%s=%s", argv[argc - 1], outcome(transfer(fd, argv[argc - 1])));
	printf(" signals=%d\n", (int)signals);
}
