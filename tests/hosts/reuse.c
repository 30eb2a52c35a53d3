/* reuse WAY: a listener's or client's number ends that WAY and becomes something else. */
#include "host.h"

#include <linux/close_range.h>

static void end(const char *way, int fd)
{
	if (is(way, "close"))
		close(fd);
	else if (is(way, "fclose"))
		fclose(fdopen(fd, "r+"));
	else if (is(way, "close_range"))
		close_range((unsigned)fd, (unsigned)fd, 0);
	else if (is(way, "closefrom"))
		closefrom(fd);
	else if (is(way, "unseen"))
		syscall(SYS_close, fd);
	else
		need(is(way, "over"), way);
}

static int make(const char *kind)
{
	int ends[2];

	if (is(kind, "pipe"))
		return need(pipe(ends) == 0, "pipe"), ends[1];
	return is(kind, "file") ? open("/dev/null", O_RDWR) : is(kind, "unix") ? socket(AF_UNIX, SOCK_STREAM, 0) :
	       is(kind, "client") ? (connection(ends), ends[0]) :
	       is(kind, "listener") ? listener(8) : socket_of(is(kind, "udp") ? SOCK_DGRAM : SOCK_STREAM);
}

/* The number that had the first kind; `unseen`: we do not see the new one come, either. */
static int become(const char *way, const char *first, const char *second)
{
	int old = fcntl(make(first), F_DUPFD, 400), fresh = make(second);

	end(way, old);
	if (is(way, "unseen"))
		need(syscall(SYS_dup2, fresh, old) == old, "dup2");
	else
		need(dup2(fresh, old) == old, "dup2");
	return old;
}

int main(int argc, char **argv)
{
	static const char *const firsts[] = { "listener", "client", "tcp" };
	static const char *const seconds[] = { "tcp", "udp", "listener", "client", "unix", "file", "pipe" };
	char byte = 'x';
	struct iovec part = { &byte, 1 };

	watch(SIGPIPE);
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 7; j++) {
			int fd = become(argv[argc - 1], firsts[i], seconds[j]);

			printf("%s, now %s: %s", firsts[i], seconds[j], state(fd));
			printf(" write=%s", outcome(write(become(argv[argc - 1], firsts[i], seconds[j]), "x", 1)));
			printf(" writev=%s", outcome(writev(become(argv[argc - 1], firsts[i], seconds[j]), &part, 1)));
			printf(" send=%s\n", outcome(send(become(argv[argc - 1], firsts[i], seconds[j]), "x", 1, 0)));
			fflush(stdout);
		}
}
