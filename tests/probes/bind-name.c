/* Port 0 asked for: what getsockname says after bind and after listen. */
#include "probe.h"

static const char *port_of(int fd)
{
	address name = { 0 };
	socklen_t len = sizeof name;

	if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
		return outcome(-1);
	return name.sin_port ? "chosen" : "0";
}

int main(void)
{
	int fd = socket_of(SOCK_STREAM);

	printf("bind=%s", outcome(bind_to(fd, loopback(0))));
	printf(" port=%s", port_of(fd));
	printf(" listen=%s", outcome(listen(fd, 8)));
	printf(" port=%s\n", port_of(fd));
}
