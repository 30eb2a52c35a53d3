/* zero-timeout-send CALL: a send with a zero timeout, to a peer that does not read. */
#include "transfer.h"

int main(int argc, char **argv)
{
	static char much[65536];
	int ends[2];

	connection(ends);
	while (send(ends[0], much, sizeof much, MSG_DONTWAIT) > 0)
		;
	interrupt_soon();
	timeout(ends[0], SO_SNDTIMEO, 0, 0);
	printf("%s=%s\n", argv[argc - 1], outcome(transfer(ends[0], argv[argc - 1])));
}
