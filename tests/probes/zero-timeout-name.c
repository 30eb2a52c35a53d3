/* zero-timeout-name RCVTIMEO|SNDTIMEO: {0, 0} as it reads after it was set. */
#include "probe.h"

int main(int argc, char **argv)
{
	int fd = socket_of(SOCK_STREAM), option = argc > 1 && is(argv[1], "SNDTIMEO") ? SO_SNDTIMEO : SO_RCVTIMEO;
	struct timeval value = { 7, 7 };
	socklen_t len = sizeof value;

	timeout(fd, option, 0, 0);
	need(getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0, "get");
	printf("%ld s %ld us\n", (long)value.tv_sec, (long)value.tv_usec);
}
