/* Threads cancelled inside calls; the sockets serve on. */
#include "host.h"

#include <pthread.h>

static int server, idle[2], datagram;

static void *in_accept(void *unused)
{
	accept(server, NULL, NULL);
	return unused;
}

static void *in_recv(void *unused)
{
	char byte;

	recv(idle[0], &byte, 1, 0);
	return unused;
}

static void *in_recvfrom(void *unused)
{
	char byte;

	recvfrom(datagram, &byte, 1, 0, NULL, NULL);
	return unused;
}

static void cancelled(const char *name, void *(*body)(void *))
{
	int cancels = 0;

	for (int turn = 0; turn < 50; turn++) {
		pthread_t thread;
		void *result;

		need(pthread_create(&thread, NULL, body, NULL) == 0, "start a thread");
		pthread_cancel(thread);
		pthread_join(thread, &result);
		cancels += result == PTHREAD_CANCELED;
	}
	printf("%s cancelled %d times\n", name, cancels);
}

int main(void)
{
	server = listener(8);
	connection(idle);
	datagram = socket_of(SOCK_DGRAM);
	need(bind_to(datagram, loopback(0)) == 0, "bind"); /* 2.7 receives nothing before that */
	cancelled("accept", in_accept);
	cancelled("recv", in_recv);
	cancelled("recvfrom", in_recvfrom);
	need(connect_to(socket_of(SOCK_STREAM), loopback(real_port(server))) == 0, "connect");
	printf("accept %s\n", accept(server, NULL, NULL) >= 0 ? "serves" : "fails");
	tell("listener", server);
	tell("client", idle[0]);
	tell("datagram", datagram);
}
