/* errno-send CALL: a send after the peer has closed, the second one. */
#include "transfer.h"

int main(int argc, char **argv)
{
	int ends[2];

	watch(SIGPIPE);
	connection(ends);
	close(ends[1]);
	/* Answered by a reset; Netty's channel is closed by then already. */
	need(transfer(ends[0], argv[argc - 1]) == 1 || errno == ECONNRESET, "send");
	printf("%s=%s", argv[argc - 1], outcome(transfer(ends[0], argv[argc - 1])));
	printf(" signals=%d\n", (int)signals);
}
