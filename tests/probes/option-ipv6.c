/* No option of IPv6 exists in Java. */
#include "probe.h"

int main(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1;

	need(fd >= 0, "socket");
	printf("v6only=%s\n", outcome(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on)));
}
