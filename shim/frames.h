/* The Python frame that made a call: CPython 2.7 and 3.6 or later. */
#ifndef FRAMES_H
#define FRAMES_H

#include "line.h"
#include "shim.h"

#include <stdint.h>

struct frames {
	uint64_t key;    /* of the call site, cheaply made */
	void *frame;     /* a reference to the site's frame */
	void *innermost; /* another, to where the stack begins */
	bool taken;      /* we took Python's lock, with this state */
	int state;
};

/* Look for CPython in this process: cheap, and to be called where it may have
 * come. */
void frames_find(void);
extern _Atomic bool frames_found;

/* Can the call be put down to a Python frame, and without taking Python's lock?
 * by_openssl: at->site is where OpenSSL was called. */
enum frames_way { FRAMES_NONE, FRAMES_LOCKED, FRAMES_UNLOCKED };
enum frames_way frames_way(const struct occasion *at, bool by_openssl);

/* Has this thread Python's lock, and may its frames be looked at (3.9 and later)? */
bool frames_locked(const struct occasion *at);

/* A place in CPython's own code always has the lock, or never: the places that were
 * asked once, by the answer. */
enum { FRAMES_KNOWN = 16 };
extern _Atomic(const void *) frames_held[FRAMES_KNOWN], frames_released[FRAMES_KNOWN];

static inline bool frames_is_known(_Atomic(const void *) *places, const void *site)
{
	return site && atomic_load_explicit(&places[((uintptr_t)site >> 1) % FRAMES_KNOWN], memory_order_acquire) == site;
}

/* With Python's lock held: the innermost code, and which of its instructions (or lines) runs.
 * Borrowed; NULL: none. */
struct frames_now {
	void *code;
	intptr_t last;
};
struct frames_now frames_now(void);

/* If that is the program's own code, seen before: the key that frames_enter would make.
 * 0: ask that. */
uint64_t frames_peek(struct frames_now now);

/* With Python's lock held: is it this file of the standard library ("/ssl.py") that calls? */
bool frames_library_calls(const char *file);

/* Borrow the frame.  False: there is none.  Between these two Python's lock is
 * held; no Python code runs, errno and Python's error are as they were. */
bool frames_enter(struct frames *frames, enum frames_way way);
void frames_leave(struct frames *frames);

/* Add file, line, function and stack to a finding; returns the key of the place
 * in words (file and line). */
uint64_t frames_key(struct frames *frames);
void frames_describe(struct frames *frames, struct line *line);

/* Does the site end in this file name (whole components), at this line? */
bool frames_match(struct frames *frames, const char *file, size_t len, long number);

/* The value of PYTEST_CURRENT_TEST, which Python changes under its lock; valid
 * until frames_leave. */
const char *frames_test(void);

#endif
