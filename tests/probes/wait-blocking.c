/* wait-blocking CALL [timeout|nonblocking]: waiting for a connected socket. */
#include "wait.h"

int main(int argc, char **argv)
{
	int ends[2];

	connection(ends);
	if (argc > 2 && is(argv[2], "nonblocking"))
		nonblocking(ends[0]);
	else if (argc > 2)
		timeout(ends[0], SO_RCVTIMEO, 9, 0);
	printf("%s=%s\n", argv[1], outcome(wait_for(argv[1], ends[0], true)));
}
