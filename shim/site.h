/* Where in the program a call was made. */
#ifndef SITE_H
#define SITE_H

#include "frames.h"
#include "tally.h"

struct site {
	struct frames frames;
	bool python;         /* frames is valid, Python's lock is held */
	const void *address; /* the program's return address */
	uint64_t key;        /* cheaply made; several keys may mean one place */
};

/* Is this an address in OpenSSL, which does its input and output, and its checks,
 * for somebody else?  Then site_outside is where that one called it. */
bool site_is_openssl(const void *address);
const void *site_outside(const void *address);

/* The key of native code, without entering. */
static inline uint64_t site_native_key(const struct occasion *at)
{
	return tally_mix(2, (uintptr_t)at->site);
}

/* Call once, at start. */
void site_prepare(void);

void site_enter(struct site *site, const struct occasion *at, enum frames_way way);
void site_leave(struct site *site);

/* Key of the place itself. */
uint64_t site_key(struct site *site);

/* Add file, line, function and stack; or module, offset, symbol and return
 * addresses of native code. */
void site_describe(struct site *site, struct line *line);

/* Is it this place?  "server.py:31" (the end of the file's name) or
 * "libfoo.so+0x1234", of len bytes. */
bool site_match(struct site *site, const char *place, size_t len);

#endif
