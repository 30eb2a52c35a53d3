/* Stores of options: kept, found, passed on to the kernel. */
#include "settings.h"

#include <string.h>
#include <sys/mman.h>

struct store {
	_Atomic unsigned writing;
	uint64_t named, bound_of; /* cookies of the sockets that the names are of */
	struct address name, bound;
	struct former parked[FORMERS];
	struct setting entry[SETTINGS];
};

enum { BLOCK_STORES = 512, BLOCKS = 32768 };

static _Atomic(struct store *) blocks[BLOCKS]; /* by the index of the shadow in its pool */

static struct store *store_of(const struct shadow *sock, bool create)
{
	_Atomic(struct store *) *block = &blocks[sock->index / BLOCK_STORES];
	struct store *found = atomic_load_explicit(block, memory_order_acquire), *none = NULL;
	size_t size = BLOCK_STORES * sizeof *found;
	void *fresh;

	if (!found && create) {
		fresh = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (fresh == MAP_FAILED)
			return NULL;
		found = fresh;
		if (!atomic_compare_exchange_strong(block, &none, found)) {
			munmap(fresh, size);
			found = none;
		}
	}
	return found ? &found[sock->index % BLOCK_STORES] : NULL;
}

static struct setting *find(const struct shadow *sock, int level, int option)
{
	struct store *store = sock->kept ? store_of(sock, false) : NULL;

	for (int i = 0; store && i < sock->kept && i < SETTINGS; i++)
		if (store->entry[i].level == level && store->entry[i].option == option)
			return &store->entry[i];
	return NULL;
}

const struct setting *settings_find(const struct shadow *sock, int level, int option)
{
	return find(sock, level, option);
}

bool settings_keep(struct shadow *sock, int level, int option, const void *value, socklen_t len)
{
	struct store *store = len <= SETTING_BYTES ? store_of(sock, true) : NULL;
	struct setting *entry;
	unsigned idle = 0;

	if (!store || !atomic_compare_exchange_strong(&store->writing, &idle, 1))
		return false;
	entry = find(sock, level, option);
	if (!entry && sock->kept < SETTINGS)
		entry = &store->entry[sock->kept];
	if (entry) {
		*entry = (struct setting){ .level = level, .option = option, .len = len };
		memcpy(entry->value, value, len);
		if (entry == &store->entry[sock->kept])
			sock->kept++;
	}
	atomic_store(&store->writing, 0);
	return entry != NULL;
}

bool settings_name(const struct shadow *sock, struct address *name)
{
	struct store *store = store_of(sock, false);

	if (!store || !store->named || store->named != sock->cookie)
		return false;
	*name = store->name;
	return true;
}

void settings_keep_name(struct shadow *sock, const struct address *name)
{
	struct store *store = store_of(sock, true);

	if (!store)
		return;
	store->name = *name;
	store->named = sock->cookie;
}

bool settings_bound(const struct shadow *sock, struct address *name)
{
	struct store *store = store_of(sock, false);

	if (!store || !store->bound_of || store->bound_of != sock->cookie)
		return false;
	*name = store->bound;
	return true;
}

void settings_keep_bound(struct shadow *sock, const struct address *name)
{
	struct store *store = store_of(sock, true);

	if (!store)
		return;
	store->bound = *name;
	store->bound_of = sock->cookie;
}

void settings_forget_name(struct shadow *sock)
{
	struct store *store = store_of(sock, false);

	if (store)
		store->named = store->bound_of = 0;
}

bool settings_park(struct shadow *sock, const struct former *former)
{
	struct store *store = sock->parked < FORMERS ? store_of(sock, true) : NULL;

	if (!store)
		return false;
	store->parked[sock->parked] = *former;
	sock->parked++;
	return true;
}

struct former *settings_former(const struct shadow *sock, int number)
{
	struct store *store = number < sock->parked ? store_of(sock, false) : NULL;

	return store ? &store->parked[number] : NULL;
}

void settings_copy(const struct shadow *from, struct shadow *to)
{
	struct store *store = from->kept ? store_of(from, false) : NULL;

	for (int i = 0; store && i < from->kept; i++)
		settings_keep(to, store->entry[i].level, store->entry[i].option, store->entry[i].value,
			      store->entry[i].len);
}

int setting_number(const struct setting *setting)
{
	int number = 0;

	memcpy(&number, setting->value, setting->len < sizeof number ? setting->len : sizeof number);
	return number;
}

int settings_apply(const struct shadow *sock, int fd, enum role role)
{
	struct store *store = sock->kept ? store_of(sock, false) : NULL;
	int first = 0, saved = errno;

	for (int i = 0; store && i < sock->kept; i++) {
		const struct setting *entry = &store->entry[i];
		int err = decide_apply(role, entry->level, entry->option, setting_number(entry));

		if (err == 0)
			REAL(setsockopt)(fd, entry->level, entry->option, entry->value, entry->len);
		if (err > 0 && !first)
			first = err;
	}
	errno = saved;
	return first;
}

void settings_before_bind(const struct shadow *sock, int fd)
{
	const struct setting *reuse = find(sock, SOL_SOCKET, SO_REUSEADDR);
	int saved = errno, on;

	if (!reuse)
		return;
	on = setting_number(reuse) != 0;
	REAL(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	errno = saved;
}
