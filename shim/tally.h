/* How often something was found at a call site: a table of fixed size, without
 * locks.  It empties itself in a fork child, whose findings are its own. */
#ifndef TALLY_H
#define TALLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/single_threaded.h>

enum { TALLIES = 4096 };

struct tally {
	_Atomic uint64_t key;   /* 0: free */
	_Atomic uint64_t count;
	_Atomic uint32_t owner; /* 1 + index of the tally that is counted instead; 0: none yet */
	_Atomic uint32_t told;  /* 0: the finding is not written yet; else the count last told as final, or 1 */
};

/* A finding made again and again by one line of Python: what to compare, and where it
 * is counted.  Written and read with Python's lock held. */
struct repeat {
	_Atomic(const void *) site, code;
	_Atomic uint64_t what;
	_Atomic int last;
	_Atomic uint64_t until; /* this count is told */
	_Atomic(struct tally *) place;
};

enum { REPEATS = 64 };

/* What else must be a process's own. */
struct tally_process {
	_Atomic int introduced; /* the first line is written */
	_Atomic int path_state; /* 0: path is not made yet, 1: being made, 2: made */
	_Atomic uint32_t events;
	_Atomic uint64_t lost;  /* findings that found no room */
	_Atomic uint64_t lost_told;
	char path[4096];        /* the report's name, %p filled in */
};

/* All that a fork child empties; for this header and tally.c. */
extern struct tally_table {
	_Alignas(4096) struct tally tallies[TALLIES];
	struct tally_process process;
	struct repeat repeats[REPEATS];
	_Atomic uint32_t used;
	_Alignas(4096) char end[4096];
} tally_table;

/* Call once before the others. */
void tally_prepare(void);

struct tally_process *tally_process(void);

/* The tally of a key, made if need be (*fresh); NULL: the table is full. */
struct tally *tally_of(uint64_t key, bool *fresh);

/* The tally of a key, if it stands in the first place for it; else NULL. */
static inline struct tally *tally_seen(uint64_t key)
{
	struct tally *tally = &tally_table.tallies[(key >> 7) % TALLIES];

	return atomic_load_explicit(&tally->key, memory_order_acquire) == (key | 1) ? tally : NULL;
}

/* Count one more; the new count.  Alone: no other thread counts here now.  A locked
 * addition would be a good part of what a repeated finding costs. */
static inline uint64_t tally_count(struct tally *tally, bool alone)
{
	uint64_t count;

	if (!alone && !__libc_single_threaded)
		return atomic_fetch_add_explicit(&tally->count, 1, memory_order_relaxed) + 1;
	count = atomic_load_explicit(&tally->count, memory_order_relaxed) + 1;
	atomic_store_explicit(&tally->count, count, memory_order_relaxed);
	return count;
}

static inline uint32_t tally_index(const struct tally *tally)
{
	return (uint32_t)(tally - tally_table.tallies);
}

static inline struct tally *tally_at(uint32_t index)
{
	return &tally_table.tallies[index];
}

/* Mix one more value into a key. */
static inline uint64_t tally_mix(uint64_t key, uint64_t value)
{
	key = (key ^ value) * 0x9e3779b97f4a7c15ULL;
	return key ^ key >> 29;
}

uint64_t tally_mix_text(uint64_t key, const char *text);

#endif
