/* one-life listen-listen|connect-connect|listen-connect|connect-listen|refused-connect|refused-listen */
#include "probe.h"

int main(int argc, char **argv)
{
	const char *scene = argc > 1 ? argv[1] : "";
	int fd = socket_of(SOCK_STREAM), server = listener(8);
	bool first_listens = strncmp(scene, "listen", 6) == 0;

	if (first_listens)
		need(listen(fd, 8) == 0, "listen");
	else if (strncmp(scene, "refused", 7) == 0)
		need(connect_to(fd, refusing()) < 0, "be refused");
	else
		need(connect_to(fd, loopback(real_port(server))) == 0, "connect");
	if (strstr(scene, "-listen"))
		printf("listen=%s\n", outcome(listen(fd, 9)));
	else
		printf("connect=%s\n", outcome(connect_to(fd, loopback(real_port(server)))));
}
