/* Open addressing; a key, once there, stays for the life of the process. */
#include "tally.h"

#include <stddef.h>
#include <sys/mman.h>

enum { PROBES = 64, FULL = TALLIES - TALLIES / 8 };

/* Page-aligned, so that the kernel can empty it in a fork child. */
struct tally_table tally_table;

void tally_prepare(void)
{
	madvise(&tally_table, sizeof tally_table, MADV_WIPEONFORK);
}

struct tally_process *tally_process(void)
{
	return &tally_table.process;
}

struct tally *tally_of(uint64_t key, bool *fresh)
{
	*fresh = false;
	key |= 1; /* never 0 */
	for (uint32_t probe = 0; probe < PROBES; probe++) {
		struct tally *tally = &tally_table.tallies[((key >> 7) + probe) % TALLIES];
		uint64_t found = atomic_load_explicit(&tally->key, memory_order_acquire);

		if (found == 0) {
			if (atomic_load(&tally_table.used) >= FULL)
				return NULL;
			if (atomic_compare_exchange_strong(&tally->key, &found, key)) {
				atomic_fetch_add(&tally_table.used, 1);
				*fresh = true;
				return tally;
			}
		}
		if (found == key)
			return tally;
	}
	return NULL;
}

uint64_t tally_mix_text(uint64_t key, const char *text)
{
	for (; *text; text++)
		key = (key ^ (unsigned char)*text) * 0x100000001b3ULL;
	return tally_mix(key, 0);
}
