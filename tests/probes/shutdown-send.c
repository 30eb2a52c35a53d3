/* shutdown-send CALL: a send after the program's own shutdown; Java has no errno for it. */
#include "transfer.h"

int main(int argc, char **argv)
{
	int ends[2];

	watch(SIGPIPE);
	connection(ends);
	need(shutdown(ends[0], SHUT_WR) == 0, "shut down");
	printf("%s=%s", argv[argc - 1], outcome(transfer(ends[0], argv[argc - 1])));
	printf(" signals=%d\n", (int)signals);
}
