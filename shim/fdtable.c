/* Slots, references and the pool of shadows; the protocol is in fdtable.h. */
#include "shim.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

_Atomic(struct shadow *) fdtable_flat[FDTABLE_FLAT];
struct shadow fdtable_foreign = { .refs = 1U << 30 };

/* --- whose memory is it? ------------------------------------------------- */

/* The pid of this memory's owner, on a page that the kernel empties in a fork child
 * but not in a vfork child: even _Fork, which runs no handlers, is noticed.  Written
 * at start and by the first who looks after a fork. */
static _Atomic int *owner;

static void renew_owner(void)
{
	atomic_store(owner, (int)getpid());
}

void fdtable_start(void)
{
	static _Atomic int without_page;
	void *page = mmap(NULL, sizeof *owner, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	owner = page == MAP_FAILED ? &without_page : page;
	if (page != MAP_FAILED)
		madvise(page, sizeof *owner, MADV_WIPEONFORK);
	renew_owner();
	/* Before a vfork child of the fork child can be taken for the owner. */
	pthread_atfork(NULL, NULL, renew_owner);
}

bool fdtable_is_mine(void)
{
	int pid = (int)getpid(), recorded = atomic_load(owner);

	if (recorded == 0)
		atomic_store(owner, pid);
	return recorded == 0 || recorded == pid;
}

int fdtable_owner(void)
{
	int recorded = atomic_load(owner);

	return recorded ? recorded : (int)getpid();
}

/* --- the pool ------------------------------------------------------------ */

enum { BLOCK_CELLS = 512, BLOCKS = 32768 };

static _Atomic(struct shadow *) blocks[BLOCKS];
static _Atomic uint32_t cells_used;   /* cells ever handed out; only grows */
static _Atomic uint64_t free_cells;   /* index + 1 of the first, and a tag against ABA above it */

static struct shadow *cell_at(uint32_t index)
{
	struct shadow *block = atomic_load(&blocks[index / BLOCK_CELLS]), *none = NULL;
	size_t size = BLOCK_CELLS * sizeof *block;
	void *fresh;

	if (!block) {
		fresh = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (fresh == MAP_FAILED)
			return NULL;
		block = fresh;
		if (!atomic_compare_exchange_strong(&blocks[index / BLOCK_CELLS], &none, block)) {
			munmap(fresh, size);
			block = none;
		}
	}
	return &block[index % BLOCK_CELLS];
}

static struct shadow *fresh_cell(uint32_t index)
{
	struct shadow *cell = cell_at(index);

	if (cell)
		cell->index = index;
	return cell;
}

static struct shadow *pool_take(void)
{
	uint64_t head = atomic_load(&free_cells);
	uint32_t index;

	while ((uint32_t)head) {
		struct shadow *cell = cell_at((uint32_t)head - 1);
		uint64_t after = ((head >> 32) + 1) << 32 | atomic_load(&cell->next);

		if (atomic_compare_exchange_weak(&free_cells, &head, after))
			return cell;
	}
	index = atomic_fetch_add(&cells_used, 1);
	if (index >= (uint32_t)BLOCK_CELLS * BLOCKS) {
		atomic_fetch_sub(&cells_used, 1);
		return NULL;
	}
	return fresh_cell(index);
}

static void pool_give(struct shadow *cell)
{
	uint32_t index = cell->index;
	uint64_t head = atomic_load(&free_cells), after;

	do {
		atomic_store(&cell->next, (uint32_t)head);
		after = ((head >> 32) + 1) << 32 | (index + 1);
	} while (!atomic_compare_exchange_weak(&free_cells, &head, after));
}

struct shadow *shadow_new(enum kind kind, int family)
{
	struct shadow *sock = pool_take();

	if (!sock)
		return NULL;
	shadow_init(sock, kind, family);
	atomic_store_explicit(&sock->refs, 1, memory_order_release);
	return sock;
}

void shadow_put(struct shadow *sock)
{
	if (!sock || atomic_fetch_sub_explicit(&sock->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (atomic_load(&sock->naming) == ASKED)
		pending_forgotten();
	if (sock->parked)
		channel_over(sock);
	pool_give(sock);
}

static bool shadow_get(struct shadow *sock)
{
	uint32_t refs = atomic_load_explicit(&sock->refs, memory_order_relaxed);

	while (refs)
		if (atomic_compare_exchange_weak_explicit(&sock->refs, &refs, refs + 1,
							  memory_order_acq_rel, memory_order_relaxed))
			return true;
	return false;
}

/* --- the slots ----------------------------------------------------------- */

enum { CHUNKS = 32768 }; /* of FDTABLE_FLAT slots each: every positive int */

static _Atomic(_Atomic(struct shadow *) *) chunks[CHUNKS];
static _Atomic int highest = -1; /* no slot above it was ever used; only grows */

static void raise_highest(int fd)
{
	int before = atomic_load(&highest);

	while (before < fd && !atomic_compare_exchange_weak(&highest, &before, fd))
		;
}

/* The slot of an fd; NULL if it has none (and may not be given one). */
static _Atomic(struct shadow *) *slot_of(int fd, bool create)
{
	const size_t size = FDTABLE_FLAT * sizeof(_Atomic(struct shadow *));
	unsigned number = (unsigned)fd / FDTABLE_FLAT;
	_Atomic(struct shadow *) *chunk, *none = NULL;
	void *fresh;

	if (fd < 0)
		return NULL;
	if (number == 0)
		return &fdtable_flat[fd];
	chunk = atomic_load(&chunks[number]);
	if (!chunk && create) {
		fresh = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (fresh == MAP_FAILED)
			return NULL;
		chunk = fresh;
		if (!atomic_compare_exchange_strong(&chunks[number], &none, chunk)) {
			munmap(fresh, size);
			chunk = none;
		}
	}
	return chunk ? &chunk[(unsigned)fd % FDTABLE_FLAT] : NULL;
}

unsigned fdtable_armed(int fd)
{
	_Atomic(struct shadow *) *slot = slot_of(fd, false);
	struct shadow *sock = slot ? atomic_load_explicit(slot, memory_order_relaxed) : NULL;

	return sock ? atomic_load_explicit(&sock->armed, memory_order_relaxed) : 0;
}

struct shadow *fdtable_get(int fd)
{
	_Atomic(struct shadow *) *slot = slot_of(fd, false);
	struct shadow *sock;

	if (!slot)
		return NULL;
	for (;;) {
		sock = atomic_load_explicit(slot, memory_order_acquire);
		if (!sock)
			return NULL;
		if (!shadow_get(sock))
			continue;
		if (atomic_load_explicit(slot, memory_order_acquire) == sock)
			return sock;
		shadow_put(sock);
	}
}

bool fdtable_set(int fd, struct shadow *sock)
{
	_Atomic(struct shadow *) *slot = slot_of(fd, sock != NULL);
	struct shadow *old;

	if (!slot || (!sock && !atomic_load_explicit(slot, memory_order_relaxed)) || !fdtable_is_mine())
		return false;
	if (sock) {
		shadow_get(sock);
		raise_highest(fd);
	}
	old = atomic_exchange_explicit(slot, sock, memory_order_acq_rel);
	shadow_put(old);
	return true;
}

void fdtable_copy(int from, int to)
{
	struct shadow *sock;

	if (from == to)
		return;
	sock = fdtable_get(from);
	fdtable_set(to, sock);
	shadow_put(sock);
}

void fdtable_clear_range(unsigned first, unsigned last)
{
	int end = atomic_load(&highest); /* -1: no slot was ever used */

	for (unsigned fd = first; fd <= last && end >= 0 && fd <= (unsigned)end; fd++)
		fdtable_clear((int)fd);
}

void fdtable_each(void (*visit)(int fd, struct shadow *sock, void *context), void *context)
{
	int end = atomic_load(&highest);

	for (int fd = 0; fd <= end; fd++) {
		struct shadow *sock = fdtable_get(fd);

		if (sock && sock != &fdtable_foreign)
			visit(fd, sock, context);
		shadow_put(sock);
	}
}
