/* fd -> shadow.  An fd is only a name: dup makes a second slot point to the same
 * shadow, which lives as long as a slot or a borrower refers to it.
 *
 * The protocol, without any lock:
 * 1. A slot holds one reference to its shadow.  Whoever puts a shadow into a slot
 *    gives it that reference; whoever takes it out gets it.
 * 2. A new shadow is complete before its slot is written (release).
 * 3. fdtable_get loads the slot, increments refs unless it is zero, and looks at
 *    the slot again: if it has changed, it puts the reference back and retries.
 * 4. At zero a shadow returns to the pool.  Its memory stays mapped and remains a
 *    shadow, so a reader that comes late sees odd facts, never a fault.
 * 5. The data path loads the slot and `armed`, nothing else, and takes no reference.
 * 6. A vfork child shares this memory but not the fd table: it changes no slot. */
#ifndef FDTABLE_H
#define FDTABLE_H

#include "shadow.h"

#include <stddef.h>

enum { FDTABLE_FLAT = 65536 }; /* fds below it: one array; above: chunks of as many */

extern _Atomic(struct shadow *) fdtable_flat[FDTABLE_FLAT];

/* Stands in the slot of a socket that is none of ours (AF_UNIX, netlink, raw). */
extern struct shadow fdtable_foreign;

/* enum armed of the fd's shadow; 0 where there is none. */
unsigned fdtable_armed(int fd);

/* The same in a few instructions, for the data path; every bit for the fds that
 * the flat array does not hold, which then take the slow way to the same answer. */
static inline unsigned fdtable_armed_near(int fd)
{
	struct shadow *sock;

	if (__builtin_expect((unsigned)fd >= FDTABLE_FLAT, 0))
		return ~0U;
	sock = atomic_load_explicit(&fdtable_flat[fd], memory_order_relaxed);
	return sock ? atomic_load_explicit(&sock->armed, memory_order_relaxed) : 0;
}

/* Borrow the fd's shadow (NULL: none); give it back with shadow_put. */
struct shadow *fdtable_get(int fd);
void shadow_put(struct shadow *sock);

/* A cell from the pool with one reference, the caller's; NULL: no memory. */
struct shadow *shadow_new(enum kind kind, int family);

/* Note whose memory this is; before any slot is used. */
void fdtable_start(void);

/* Put a shadow into a slot, with a reference of the slot's own; NULL empties it.
 * False where that is not to be had: no memory, or not our own slot (6.). */
bool fdtable_set(int fd, struct shadow *sock);

/* The new fd shares the shadow of the old one, or its lack of one. */
void fdtable_copy(int from, int to);

static inline void fdtable_clear(int fd)
{
	if ((unsigned)fd < FDTABLE_FLAT &&
	    !atomic_load_explicit(&fdtable_flat[fd], memory_order_relaxed))
		return;
	fdtable_set(fd, NULL);
}

/* Empty the slots first..last. */
void fdtable_clear_range(unsigned first, unsigned last);

/* Call visit(fd, shadow) for each occupied slot, the shadow borrowed meanwhile. */
void fdtable_each(void (*visit)(int fd, struct shadow *sock, void *context), void *context);

/* Pid of the process that owns this memory, without a system call as a rule. */
int fdtable_owner(void);

/* Are we the process that owns this memory (not its vfork child)? */
bool fdtable_is_mine(void);

#endif
