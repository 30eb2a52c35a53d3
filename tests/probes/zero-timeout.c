/* zero-timeout CALL [MICROSECONDS]: a receive that nothing comes to. */
#include "transfer.h"

int main(int argc, char **argv)
{
	int ends[2];

	connection(ends);
	interrupt_soon();
	timeout(ends[0], SO_RCVTIMEO, 0, argc > 2 ? atoi(argv[2]) : 0);
	printf("%s=%s\n", argv[1], outcome(transfer(ends[0], argv[1])));
}
