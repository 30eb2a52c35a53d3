/* Options of other families are none of our business. */
#include "probe.h"

int main(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), on = 1;

	need(fd >= 0, "socket");
	printf("passcred=%s", outcome(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on)));
	printf(" keepalive=%s\n", outcome(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on)));
}
