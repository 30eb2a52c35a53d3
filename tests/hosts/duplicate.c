/* Descriptors of one socket share what is known of it. */
#include "host.h"

static void duplicates(void)
{
	int fd = listener(8), other = udp_bound(), file = open("/dev/null", O_RDWR);
	FILE *stream;

	tell("dup", dup(fd));
	tell("dup2 over a UDP socket", dup2(fd, other));
	tell("dup2 to a free number", dup2(fd, 200));
	tell("dup2 onto itself", dup2(fd, fd));
	tell("dup3", dup3(fd, 201, O_CLOEXEC));
	tell("F_DUPFD", fcntl(fd, F_DUPFD, 300));
	tell("F_DUPFD_CLOEXEC", fcntl(fd, F_DUPFD_CLOEXEC, 300));
	need(dup2(fd, 1 << 30) < 0 && dup2(199, fd) < 0 && dup3(fd, fd, 0) < 0, "fail");
	tell("after failed ones", fd);
	tell("dup2 of a file over it", dup2(file, other));
	tell("dup of a file", dup(other));
	stream = fdopen(dup(fd), "r+");
	need(stream && freopen("/dev/null", "r", stream), "freopen");
	tell("freopen of its stream", fileno(stream));
	close(fd);
	tell("the last one standing", 200);
}

static void shared(void)
{
	int fd = socket_of(SOCK_STREAM), other = dup(fd);

	need(bind_to(fd, loopback(0)) == 0, "bind");
	tell("bind on one is known to the other", other);
	need(listen(other, 8) == 0, "listen");
	tell("listen on the other is known to the one", fd);
	fd = socket_of(SOCK_STREAM);
	other = dup(fd);
	need(connect_to(fd, refusing()) < 0, "be refused");
	tell("and so is a refused connect", other);
}

int main(void)
{
	duplicates();
	shared();
}
