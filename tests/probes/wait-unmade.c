/* wait-unmade CALL: waiting until an unmade socket can be written. */
#include "wait.h"

int main(int argc, char **argv)
{
	int fd = socket_of(SOCK_STREAM);

	nonblocking(fd);
	printf("%s=%s\n", argv[1], outcome(wait_for(argv[argc - 1], fd, false)));
}
