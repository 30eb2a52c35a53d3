/* Sockets that travel by SCM_RIGHTS. */
#include "host.h"

int main(void)
{
	int pair[2], ends[2], fd;

	need(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "socketpair");
	connection(ends);
	send_fd(pair[0], listener(8));
	tell("a listener", receive_fd(pair[1], false));
	send_fd(pair[0], ends[0]);
	tell("a client", receive_fd(pair[1], true));
	send_fd(pair[0], udp_bound());
	tell("a UDP socket", receive_fd(pair[1], false));
	fd = asked();
	send_fd(pair[0], fd);
	tell("one with a bind pending", receive_fd(pair[1], false));
	tell("which was done here too", fd);
	fd = fcntl(listener(8), F_DUPFD, 3);
	syscall(SYS_close, fd);
	send_fd(pair[0], STDIN_FILENO);
	fd = receive_fd(pair[1], false);
	tell("a file, under a listener's number", fd);
}
