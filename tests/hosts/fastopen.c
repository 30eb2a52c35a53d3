/* MSG_FASTOPEN connects: the bind is done before, and the socket has had its life. */
#include "host.h"

int main(int argc, char **argv)
{
	int server = listener(8), fd = socket_of(SOCK_STREAM);
	address to = loopback(real_port(server)), name = loopback(0), peer = { 0 };
	socklen_t len = sizeof peer;
	char byte = 'x';
	struct iovec part = { &byte, 1 };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1 };

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	need(bind_to(fd, name) == 0, "bind");
	if (is(argv[argc - 1], "sendmsg"))
		printf("sendmsg=%s\n", outcome(sendmsg(fd, &msg, MSG_FASTOPEN)));
	else
		printf("sendto=%s\n", outcome(sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&to, sizeof to)));
	need(accept(server, (struct sockaddr *)&peer, &len) >= 0, "accept");
	printf("from %s\n", inet_ntoa(peer.sin_addr));
	tell("it is", fd);
	printf("connect=%s\n", outcome(connect_to(fd, to)));
	fd = socket_of(SOCK_STREAM);
	to = refusing();
	printf("refused=%s", outcome(sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&to, sizeof to)));
	printf(" again=%s\n", outcome(connect_to(fd, loopback(real_port(server)))));
}
