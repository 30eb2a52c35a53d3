/* Processes that share a socket. */
#include "host.h"

#include <sys/wait.h>

static void ended(pid_t child)
{
	int status;

	need(waitpid(child, &status, 0) == child && status == 0, "wait for a child");
}

static void in_child(pid_t (*split)(void), const char *name)
{
	int fd = asked(), client;
	pid_t child;

	printf("%s\n", name);
	fflush(stdout);
	child = split();
	if (child == 0) {
		tell("the child knows the bind", fd);
		need(listen(fd, 8) == 0, "listen");
		tell("and listens", fd);
		client = socket_of(SOCK_STREAM);
		tell("its own are tracked", client);
		close(fd);
		tell("its close", fd);
		fflush(stdout);
		_exit(0);
	}
	ended(child);
	tell("the parent's is as it was", fd);
	printf("listen=%s\n", outcome(listen(fd, 8)));
	tell("and listens as well", fd);
}

static void in_vfork_child(void)
{
	int fd = fcntl(listener(8), F_DUPFD, 600), other = udp_bound();
	pid_t child = vfork();

	if (child == 0) {
		dup2(other, 0);
		dup2(fd, other);
		close(fd);
		_exit(0);
	}
	ended(child);
	printf("vfork\n");
	tell("what the child closed", fd);
	tell("what the child replaced", other);
}

int main(void)
{
	in_child(fork, "fork");
	in_child(_Fork, "_Fork");
	in_vfork_child();
}
