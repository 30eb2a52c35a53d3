/* The fd table beyond its flat part, which takes more descriptors than most may
 * open, and under threads.  Linked with all of the library, preloaded nowhere. */
#undef NDEBUG
#include "fdtable.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>

enum { TURNS = 20000, HIGH = 3 * FDTABLE_FLAT };

static int visited;

static void count(int fd, struct shadow *sock, void *context)
{
	visited += fd >= FDTABLE_FLAT && sock && !context;
}

static void holds(int fd, const struct shadow *expected)
{
	struct shadow *found = fdtable_get(fd);

	assert(found == expected);
	shadow_put(found);
}

static void alone(void)
{
	struct shadow *sock = shadow_new(TCP, AF_INET);

	assert(sock && !fdtable_get(-1) && !fdtable_get(INT_MAX) && !fdtable_armed(INT_MAX) && !fdtable_armed(HIGH));
	fdtable_set(FDTABLE_FLAT - 1, sock);
	fdtable_copy(FDTABLE_FLAT - 1, FDTABLE_FLAT);
	fdtable_copy(FDTABLE_FLAT, HIGH);
	fdtable_copy(HIGH, HIGH);
	shadow_put(sock);
	holds(FDTABLE_FLAT - 1, sock);
	holds(FDTABLE_FLAT, sock);
	holds(HIGH, sock);
	assert(sock->refs == 3);
	atomic_store(&sock->armed, ARMED_SEND);
	assert(fdtable_armed(HIGH) == ARMED_SEND && fdtable_armed(FDTABLE_FLAT - 1) == ARMED_SEND);
	fdtable_each(count, NULL);
	assert(visited == 2);
	fdtable_copy(HIGH + 1, HIGH); /* a descriptor of nothing takes its place */
	holds(HIGH, NULL);
	fdtable_clear_range(FDTABLE_FLAT, UINT_MAX);
	holds(FDTABLE_FLAT, NULL);
	fdtable_clear_range(9, 8);
	holds(FDTABLE_FLAT - 1, sock);
	fdtable_clear(FDTABLE_FLAT - 1);
	assert(sock->refs == 0 && shadow_new(UDP, AF_INET) == sock); /* back in the pool */
	shadow_put(sock);
}

/* Four threads put, copy, take and use the same eight slots. */
static void *many(void *unused)
{
	for (int turn = 0; turn < TURNS; turn++) {
		int fd = HIGH + turn % 8;
		struct shadow *sock = shadow_new(TCP, AF_INET6), *found;

		assert(sock && sock->refs == 1);
		fdtable_set(fd, sock);
		shadow_put(sock);
		fdtable_copy(fd, HIGH + (turn + 3) % 8);
		found = fdtable_get(HIGH + (turn + 5) % 8);
		assert(!found || (found->refs > 0 && found->family == AF_INET6));
		shadow_put(found);
		fdtable_clear(HIGH + (turn + 6) % 8);
		fdtable_armed(fd);
	}
	return unused;
}

int main(void)
{
	pthread_t threads[4];
	struct shadow *sock;

	alone();
	for (int i = 0; i < 4; i++)
		assert(!pthread_create(&threads[i], NULL, many, NULL));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	fdtable_clear_range(0, UINT_MAX);
	visited = 0;
	fdtable_each(count, NULL);
	assert(visited == 0);
	/* Nothing leaked: as many as four threads can hold at once have sufficed. */
	sock = shadow_new(TCP, AF_INET);
	assert(sock && sock->index < 64);
	return 0;
}
