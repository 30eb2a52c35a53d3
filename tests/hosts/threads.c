/* threads TURNS [any]: many on one descriptor, each on its own, and on numbers that
 * others close. */
#include "host.h"

#include <pthread.h>

static int turns, one, lost;
static _Atomic int numbers[4];

static void touch(int fd)
{
	address name;
	socklen_t len = sizeof name;
	int value = 20000, copy;
	char byte;
	struct pollfd ready = { fd, POLLIN, 0 };

	bind_to(fd, loopback(0));
	getsockname(fd, (struct sockaddr *)&name, &len);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof value);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value);
	len = sizeof value;
	getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &len);
	send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	recv(fd, &byte, 1, MSG_DONTWAIT);
	poll(&ready, 1, 0);
	copy = dup(fd);
	if (copy >= 0)
		close(copy);
}

static void *on_one(void *which)
{
	for (int turn = 0; turn < turns; turn++) {
		touch(one);
		if (!which && turn % 8 == 1) { /* in 2.7 with another kernel socket each time */
			listen(one, 8);
			lost += shutdown(one, SHUT_RD) != 0;
		}
	}
	return which;
}

static void *on_its_own(void *unused)
{
	for (int turn = 0; turn < turns; turn++) {
		int ends[2], server = listener(8);

		ends[0] = socket_of(SOCK_STREAM);
		need(connect_to(ends[0], loopback(real_port(server))) == 0, "connect");
		ends[1] = accept(server, NULL, NULL);
		need(send(ends[0], "x", 1, 0) == 1 && shutdown(server, SHUT_RDWR) == 0, "send and shut down");
		close(server);
		close(ends[0]);
		close(ends[1]);
	}
	return unused;
}

/* One makes and closes, the others use whatever has the number just now. */
static void *on_any(void *which)
{
	for (int turn = 0; turn < turns; turn++)
		if (which) {
			touch(numbers[turn % 4]);
		} else {
			close(numbers[turn % 4]);
			numbers[turn % 4] = socket(AF_INET, turn % 2 ? SOCK_STREAM : SOCK_DGRAM, 0);
		}
	return which;
}

static void together(void *(*body)(void *))
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		need(pthread_create(&threads[i], NULL, body, i ? &threads[i] : NULL) == 0, "start a thread");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	watch(SIGPIPE);
	turns = argc > 1 ? atoi(argv[1]) : 500;
	one = socket_of(SOCK_STREAM);
	together(on_one);
	tell("one descriptor", one);
	printf("lost as a listener: %d times\n", lost);
	together(on_its_own);
	for (int i = 0; i < 4; i++)
		numbers[i] = socket_of(SOCK_STREAM);
	if (argc > 2)
		together(on_any);
	tell("a new one", socket_of(SOCK_STREAM));
}
