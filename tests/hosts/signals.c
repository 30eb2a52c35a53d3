/* A signal handler that calls into sockets at any moment, also into those that
 * the program is calling into. */
#include "host.h"

static int shared_fd;

static void handler(int number)
{
	address name;
	socklen_t len = sizeof name;
	int fd, saved = errno;

	count_signal(number);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd >= 0) {
		bind_to(fd, loopback(0));
		getsockname(fd, (struct sockaddr *)&name, &len);
		send(fd, "x", 1, MSG_DONTWAIT);
		close(dup(fd));
		close(fd);
	}
	len = sizeof name;
	getsockname(shared_fd, (struct sockaddr *)&name, &len);
	bind_to(shared_fd, loopback(0));
	errno = saved;
}

int main(void)
{
	struct itimerval often = { .it_value = { 0, 100 }, .it_interval = { 0, 100 } };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	watch(SIGPIPE);
	sigaction(SIGALRM, &action, NULL);
	shared_fd = socket_of(SOCK_STREAM);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int turn = 0; turn < 30000 && signals < 500; turn++) {
		address name;
		socklen_t len = sizeof name;
		int old = shared_fd;

		shared_fd = socket_of(SOCK_STREAM);
		close(old);
		bind_to(shared_fd, loopback(0));
		getsockname(shared_fd, (struct sockaddr *)&name, &len);
		listen(shared_fd, 8);
	}
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	tell("in the end", shared_fd);
	printf("%s\n", signals ? "interrupted" : "never interrupted");
}
