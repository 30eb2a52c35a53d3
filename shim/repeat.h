/* The quickest way to count what one line of Python does again and again: no key is
 * made, no table searched.  For the thread that has Python's lock. */
#ifndef REPEAT_H
#define REPEAT_H

#include "frames.h"
#include "tally.h"

static inline uint64_t repeated_what(struct verdict v, const struct occasion *at)
{
	return (uint64_t)v.rule << 56 | (uint64_t)(at->level & 0xffffff) << 32 | (uint32_t)at->option;
}

static inline struct repeat *repeat_slot(const struct occasion *at, struct frames_now now)
{
	return &tally_table.repeats[((uintptr_t)at->site ^ (uintptr_t)now.code >> 4 ^ (uintptr_t)now.last >> 1) % REPEATS];
}

#define RELAXED(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define RELAX(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

/* Count a finding that was kept here; false: it was not, or its count is to be told. */
static inline bool repeated(struct verdict v, const struct occasion *at)
{
	struct frames_now now = frames_now();
	struct repeat *repeat = repeat_slot(at, now);
	struct tally *place = RELAXED(repeat->place);
	uint64_t count;

	if (!place || RELAXED(repeat->code) != now.code || RELAXED(repeat->last) != now.last ||
	    RELAXED(repeat->site) != at->site || RELAXED(repeat->what) != repeated_what(v, at))
		return false;
	count = RELAXED(place->count) + 1;
	if (count >= RELAXED(repeat->until))
		return false;
	RELAX(place->count, count);
	return true;
}

/* Keep what was just counted at this place. */
static inline void repeat_keep(struct verdict v, const struct occasion *at, struct frames_now now, struct tally *place)
{
	struct repeat *repeat = repeat_slot(at, now);
	uint64_t until = 10;

	while (until <= atomic_load(&place->count))
		until *= 10;
	RELAX(repeat->place, NULL);
	RELAX(repeat->code, now.code);
	RELAX(repeat->last, (int)now.last);
	RELAX(repeat->site, at->site);
	RELAX(repeat->what, repeated_what(v, at));
	RELAX(repeat->until, until);
	RELAX(repeat->place, place);
}

#undef RELAXED
#undef RELAX

#endif
