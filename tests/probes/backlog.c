/* backlog NUMBER: what the kernel is told. */
#include "probe.h"

int main(int argc, char **argv)
{
	int fd = socket_of(SOCK_STREAM);
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;

	printf("listen=%s", outcome(listen(fd, argc > 1 ? atoi(argv[1]) : 0)));
	need(syscall(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0, "ask");
	/* For a listener, this field is its backlog. */
	printf(" backlog=%s\n", info.tcpi_sacked > 1000 ? "many" : outcome(info.tcpi_sacked));
}
