/* A thread in accept stays there when another shuts the listener down. */
#include "probe.h"

#include <pthread.h>

static const char *answer = "served";

static void *serve(void *server)
{
	if (accept(*(int *)server, NULL, NULL) < 0)
		answer = outcome(-1);
	return NULL;
}

int main(void)
{
	int server = listener(8);
	address to = loopback(real_port(server));
	pthread_t thread;

	need(pthread_create(&thread, NULL, serve, &server) == 0, "start a thread");
	printf("shutdown=%s", outcome(shutdown(server, SHUT_RD)));
	printf(" connect=%s", outcome(connect_to(socket_of(SOCK_STREAM), to)));
	pthread_join(thread, NULL);
	printf(" accept=%s\n", answer);
}
