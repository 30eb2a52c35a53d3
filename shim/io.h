/* The slow way of a transfer: only for fds that are armed. */
#ifndef IO_H
#define IO_H

#include "shim.h"

struct transfer {
	struct occasion at;
	struct shadow *sock; /* borrowed; NULL: not one of ours */
	int flags;           /* as the program gave them */
	bool addressed;      /* names, or could answer, an address */
	bool connects;       /* MSG_FASTOPEN */
	size_t len;          /* bytes, where the call has one number of them */
	bool empty;          /* a send or receive of no bytes */
	int source;          /* the descriptor that a receive takes from */
	size_t limit;        /* most bytes that this receive is to take; 0: any number */
	ssize_t rc;          /* the result, where the call is answered before it is made */
};

#define TRANSFER(name, number, given) \
	((struct transfer){ .at = OCCASION(name, number, NULL), .flags = (given), .source = (number) })

/* Before a send.  True: answered, rc (and errno).  Else *flags are those to use. */
bool send_begin(struct transfer *t, const void *addr, socklen_t len, int *flags);

/* After it: the result for the program. */
ssize_t send_end(struct transfer *t, ssize_t rc);

/* After a send that only had ARMED_PIPE failed: errno for the program. */
ssize_t send_failed(const struct occasion *at, int flags);

/* The same for a receive; the call that could answer a source sets addressed. */
bool recv_begin(struct transfer *t);
ssize_t recv_end(struct transfer *t, ssize_t rc);

/* Between them: is the call to be made again, its error being nobody's business? */
bool recv_again(struct transfer *t, ssize_t rc);

/* A receive from a UDP socket whose datagrams are read piece by piece. */
bool recv_is_piecewise(const struct transfer *t);
ssize_t recv_piece(struct transfer *t, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen);

/* After recv_end: is the source to be withheld from the program? */
bool recv_hides_source(const struct transfer *t);

/* The source that a recvfrom tells, where that is not the kernel's; room: *len before
 * the call.  False: there is none that it could tell, and it fails with errno. */
bool recv_source(const struct transfer *t, struct sockaddr *addr, socklen_t room, socklen_t *len);

/* Take back what recv_begin or send_begin borrowed. */
void transfer_over(struct transfer *t);

#define LIKELY(condition) __builtin_expect(!!(condition), 1)

/* The slow way of a call, reached by a jump from the exported function, so that
 * its return address is the program's. */
#define SLOW __attribute__((noinline, cold)) static

/* The function that a call on an unarmed fd jumps to: first the slow one, which
 * puts the real one in its place. */
#define NEXT(name) __atomic_load_n(&next_##name, __ATOMIC_RELAXED)
#define FOUND(name) __atomic_store_n(&next_##name, REAL(name), __ATOMIC_RELAXED)

#endif
