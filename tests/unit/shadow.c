/* A kept address is whole or not given: writers and readers at once. */
#undef NDEBUG
#include "shadow.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

enum { TURNS = 200000 };

static struct shadow sock;
static _Atomic int kept, recalled;

static struct sockaddr_in6 pattern(unsigned char byte)
{
	struct sockaddr_in6 address;

	memset(&address, byte, sizeof address);
	return address;
}

static void *keep(void *byte)
{
	for (int turn = 0; turn < TURNS; turn++) {
		struct sockaddr_in6 address = pattern((unsigned char)(*(unsigned char *)byte + turn % 2));

		kept += shadow_keep(&sock, &sock.name, &address, sizeof address);
	}
	return NULL;
}

static void *recall(void *unused)
{
	struct address copy;

	for (int mine = 0; mine < 1000;) { /* writers end, so this does */
		if (!shadow_recall(&sock, &sock.name, &copy) || !copy.len)
			continue;
		struct sockaddr_in6 expected = pattern(((unsigned char *)&copy.in6)[0]);

		assert(copy.len == sizeof copy.in6 && !memcmp(&copy.in6, &expected, sizeof expected));
		recalled++;
		mine++;
	}
	return unused;
}

static void together(void)
{
	unsigned char bytes[] = { 1, 100 };
	pthread_t threads[4];

	shadow_init(&sock, TCP, AF_INET6);
	for (int i = 0; i < 4; i++)
		assert(!pthread_create(&threads[i], NULL, i < 2 ? keep : recall, &bytes[i % 2]));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert(kept > 0 && recalled > 0);
}

static void alone(void)
{
	struct sockaddr_storage long_one = { .ss_family = AF_INET6 };
	struct sockaddr_in short_one = { .sin_family = AF_INET, .sin_port = 7 };
	struct address copy;

	shadow_init(&sock, TCP, AF_INET);
	assert(shadow_keep(&sock, &sock.peer, &long_one, sizeof long_one));
	assert(shadow_recall(&sock, &sock.peer, &copy) && copy.len == sizeof copy.in6 && sock.name.len == 0);
	assert(shadow_keep(&sock, &sock.peer, &short_one, sizeof short_one));
	assert(shadow_recall(&sock, &sock.peer, &copy) && copy.len == sizeof short_one && copy.in.sin_port == 7);
	sock.guard = 3; /* somebody is writing */
	assert(!shadow_keep(&sock, &sock.peer, &long_one, sizeof long_one) && !shadow_recall(&sock, &sock.peer, &copy));
}

static void timing(void)
{
	shadow_init(&sock, UDP, AF_INET);
	assert(shadow_timing(&sock, RECEIVE) == BLOCKING);
	sock.timeout_set[RECEIVE] = 1;
	assert(shadow_timing(&sock, RECEIVE) == TIMEOUT && shadow_timing(&sock, SEND) == BLOCKING);
	sock.nonblocking = 1;
	assert(shadow_timing(&sock, RECEIVE) == NONBLOCKING);
	sock.python = 1 + TIMEOUT; /* the adapter knows better */
	assert(shadow_timing(&sock, SEND) == TIMEOUT);
}

int main(void)
{
	alone();
	together();
	timing();
	return 0;
}
