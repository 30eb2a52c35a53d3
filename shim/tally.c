/* Open addressing; a key, once there, stays for the life of the process. */
#include "tally.h"

#include <stddef.h>
#include <sys/mman.h>

enum { PAGE = 4096, PROBES = 64, FULL = TALLIES - TALLIES / 8 };

/* Page-aligned, so that the kernel can empty it in a fork child. */
static struct {
	_Alignas(PAGE) struct tally tallies[TALLIES];
	struct tally_process process;
	_Atomic uint32_t used;
	_Alignas(PAGE) char end[PAGE];
} table;

void tally_prepare(void)
{
	madvise(&table, sizeof table, MADV_WIPEONFORK);
}

struct tally_process *tally_process(void)
{
	return &table.process;
}

struct tally *tally_of(uint64_t key, bool *fresh)
{
	*fresh = false;
	key |= 1; /* never 0 */
	for (uint32_t probe = 0; probe < PROBES; probe++) {
		struct tally *tally = &table.tallies[((key >> 7) + probe) % TALLIES];
		uint64_t found = atomic_load_explicit(&tally->key, memory_order_acquire);

		if (found == 0) {
			if (atomic_load(&table.used) >= FULL)
				return NULL;
			if (atomic_compare_exchange_strong(&tally->key, &found, key)) {
				atomic_fetch_add(&table.used, 1);
				*fresh = true;
				return tally;
			}
		}
		if (found == key)
			return tally;
	}
	return NULL;
}

struct tally *tally_seen(uint64_t key)
{
	struct tally *tally = &table.tallies[(key >> 7) % TALLIES];

	return atomic_load_explicit(&tally->key, memory_order_acquire) == (key | 1) ? tally : NULL;
}

uint32_t tally_index(const struct tally *tally)
{
	return (uint32_t)(tally - table.tallies);
}

struct tally *tally_at(uint32_t index)
{
	return &table.tallies[index];
}

uint64_t tally_mix_text(uint64_t key, const char *text)
{
	for (; *text; text++)
		key = (key ^ (unsigned char)*text) * 0x100000001b3ULL;
	return tally_mix(key, 0);
}
