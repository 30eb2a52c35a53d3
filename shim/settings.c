/* Stores of options: kept, found, passed on to the kernel. */
#include "settings.h"

#include <string.h>
#include <sys/mman.h>

struct store {
	_Atomic unsigned writing;
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
