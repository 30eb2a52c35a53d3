/* A made socket's size, never set: the JDK halves what the kernel says. */
#include "probe.h"

int main(void)
{
	int fd = listener(8), said = 0, real = 0;
	socklen_t len = sizeof said;

	need(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &said, &len) == 0, "get");
	need(syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_RCVBUF, &real, &len) == 0, "get");
	printf("halved=%d\n", said == real / 2);
}
