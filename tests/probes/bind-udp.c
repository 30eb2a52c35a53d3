/* UDP binds at once. */
#include "probe.h"

int main(void)
{
	int fd = udp_bound(), other = socket_of(SOCK_DGRAM);
	address name = { 0 };
	socklen_t len = sizeof name;

	need(getsockname(fd, (struct sockaddr *)&name, &len) == 0, "getsockname");
	printf("port=%s", name.sin_port ? "chosen" : "0");
	printf(" second=%s\n", outcome(bind_to(other, name)));
}
