/* passing dup2|rights|exec: a socket that another process, or descriptor 0, gets. */
#include "probe.h"

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	int fd = listener(8), pair[2];
	char byte = 'x', room[CMSG_SPACE(sizeof fd)] = { 0 };
	struct iovec part = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };

	if (is(way, "exec"))
		return execlp("echo", "echo", "exec=0", (char *)NULL);
	if (is(way, "dup2"))
		return printf("dup2=%s\n", outcome(dup2(fd, 0))), 0;
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	*CMSG_FIRSTHDR(&msg) = (struct cmsghdr){ CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof fd);
	printf("rights=%s\n", outcome(sendmsg(pair[0], &msg, 0)));
}
