/* wait-pipe CALL: waiting for what is not a socket. */
#include "wait.h"

int main(int argc, char **argv)
{
	int ends[2];

	need(pipe(ends) == 0, "pipe");
	printf("%s=%s\n", argv[1], outcome(wait_for(argv[argc - 1], ends[0], true)));
}
