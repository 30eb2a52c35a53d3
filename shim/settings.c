/* Stores of options: kept, found, passed on to the kernel. */
#include "settings.h"

#include <limits.h>
#include <string.h>
#include <sys/mman.h>

enum kept_name { TOLD, BOUND_TO };

struct store {
	_Atomic uint32_t guard;
	uint64_t named[2]; /* cookies of the sockets that the names are of, by enum kept_name */
	struct address name[2];
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

/* The store, with its guard taken; NULL: there is none, or it is not to be had. */
static struct store *open_store(const struct shadow *sock, bool create)
{
	struct store *store = store_of(sock, create);

	return store && guard_take(&store->guard) ? store : NULL;
}

static void close_store(struct store *store)
{
	guard_give(&store->guard);
}

static struct setting *find(struct store *store, const struct shadow *sock, int level, int option)
{
	for (int i = 0; i < sock->kept && i < SETTINGS; i++)
		if (store->entry[i].level == level && store->entry[i].option == option)
			return &store->entry[i];
	return NULL;
}

bool settings_find(const struct shadow *sock, int level, int option, struct setting *copy)
{
	struct store *store = sock->kept ? open_store(sock, false) : NULL;
	const struct setting *entry;

	if (!store)
		return false;
	entry = find(store, sock, level, option);
	if (entry)
		*copy = *entry;
	close_store(store);
	return entry != NULL;
}

bool settings_keep(struct shadow *sock, int level, int option, const void *value, socklen_t len)
{
	struct store *store = len <= SETTING_BYTES ? open_store(sock, true) : NULL;
	struct setting *entry;

	if (!store)
		return false;
	entry = find(store, sock, level, option);
	if (!entry && sock->kept < SETTINGS)
		entry = &store->entry[sock->kept++];
	if (entry) {
		*entry = (struct setting){ .level = level, .option = option, .len = len };
		memcpy(entry->value, value, len);
	}
	close_store(store);
	return entry != NULL;
}

/* Copy the entry of this number out, to be used without the guard. */
static bool entry_at(const struct shadow *sock, int number, struct setting *copy)
{
	struct store *store = number < sock->kept ? open_store(sock, false) : NULL;

	if (!store)
		return false;
	*copy = store->entry[number];
	close_store(store);
	return true;
}

/* --- names ----------------------------------------------------------------- */

static bool recall(const struct shadow *sock, enum kept_name which, struct address *name)
{
	struct store *store = open_store(sock, false);
	bool there;

	if (!store)
		return false;
	there = store->named[which] && store->named[which] == sock->cookie;
	if (there)
		*name = store->name[which];
	close_store(store);
	return there;
}

static void keep(struct shadow *sock, enum kept_name which, const struct address *name)
{
	struct store *store = open_store(sock, true);

	if (!store)
		return;
	store->name[which] = *name;
	store->named[which] = sock->cookie;
	close_store(store);
}

bool settings_name(const struct shadow *sock, struct address *name)
{
	return recall(sock, TOLD, name);
}

void settings_keep_name(struct shadow *sock, const struct address *name)
{
	keep(sock, TOLD, name);
}

bool settings_bound(const struct shadow *sock, struct address *name)
{
	return recall(sock, BOUND_TO, name);
}

void settings_keep_bound(struct shadow *sock, const struct address *name)
{
	keep(sock, BOUND_TO, name);
}

void settings_forget_name(struct shadow *sock)
{
	struct store *store = open_store(sock, false);

	if (!store)
		return;
	store->named[TOLD] = store->named[BOUND_TO] = 0;
	close_store(store);
}

/* --- former kernel sockets --------------------------------------------------- */

void former_put(struct former *place, const struct former *former)
{
	place->fd = -1;
	place->flags = former->flags;
	place->left = former->left;
	place->cookie = former->cookie;
	place->fd = former->fd; /* whole from now on */
}

bool settings_park(struct shadow *sock, const struct former *former)
{
	struct store *store = open_store(sock, true);
	bool room;

	if (!store)
		return false;
	room = sock->parked < FORMERS;
	if (room) {
		former_put(&store->parked[sock->parked], former);
		sock->parked++;
	}
	close_store(store);
	return room;
}

struct former *settings_former(const struct shadow *sock, int number)
{
	struct store *store = number < sock->parked ? store_of(sock, false) : NULL;

	return store ? &store->parked[number] : NULL;
}

/* --- passed on --------------------------------------------------------------- */

void settings_copy(const struct shadow *from, struct shadow *to)
{
	struct setting entry;

	for (int i = 0; entry_at(from, i, &entry); i++)
		settings_keep(to, entry.level, entry.option, entry.value, entry.len);
}

int setting_number(const struct setting *setting)
{
	int number = 0;

	memcpy(&number, setting->value, setting->len < sizeof number ? setting->len : sizeof number);
	return number;
}

void settings_tell(const struct shadow *sock, int fd, int level, int option, const void *value, socklen_t len)
{
	int size;

	if (sock->kind == TCP && level == SOL_SOCKET && option == SO_SNDBUF && len == sizeof size) {
		memcpy(&size, value, sizeof size);
		if (size > 0 && size <= INT_MAX - policy.traits.send_ahead)
			size += policy.traits.send_ahead;
		value = &size;
	}
	REAL(setsockopt)(fd, level, option, value, len);
}

int settings_apply(const struct shadow *sock, int fd, enum role role)
{
	int first = 0, saved = errno;
	struct setting entry;

	for (int i = 0; entry_at(sock, i, &entry); i++) {
		int err = decide_apply(role, entry.level, entry.option, setting_number(&entry));

		if (err == 0)
			settings_tell(sock, fd, entry.level, entry.option, entry.value, entry.len);
		if (err > 0 && !first)
			first = err;
	}
	errno = saved;
	return first;
}

void settings_before_bind(const struct shadow *sock, int fd)
{
	struct setting reuse;
	int saved = errno, on;

	if (!settings_find(sock, SOL_SOCKET, SO_REUSEADDR, &reuse))
		return;
	on = setting_number(&reuse) != 0;
	REAL(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	errno = saved;
}
