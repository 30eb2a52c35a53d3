/* unconnected tcp|listener|udp|bound CALL: a transfer without a peer. */
#include "transfer.h"

int main(int argc, char **argv)
{
	int fd = is(argv[1], "listener") ? listener(8) : is(argv[1], "bound") ? udp_bound() :
		 socket_of(is(argv[1], "udp") ? SOCK_DGRAM : SOCK_STREAM);

	watch(SIGPIPE);
	interrupt_soon();
	printf("%s=%s", argv[argc - 1], outcome(transfer(fd, argv[argc - 1])));
	printf(" signals=%s\n", signals ? "some" : "none");
}
