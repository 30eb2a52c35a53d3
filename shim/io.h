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
};

#define TRANSFER(name, number, given) \
	((struct transfer){ .at = OCCASION(name, number, NULL), .flags = (given) })

/* Before a send.  True: answered, -1 with errno.  Else *flags are those to use. */
bool send_begin(struct transfer *t, const void *addr, socklen_t len, int *flags);

/* After it: the result for the program. */
ssize_t send_end(struct transfer *t, ssize_t rc);

/* After a send that only had ARMED_PIPE failed: errno for the program. */
ssize_t send_failed(const struct occasion *at, int flags);

/* The same for a receive; the call that could answer a source sets addressed. */
bool recv_begin(struct transfer *t);
ssize_t recv_end(struct transfer *t, ssize_t rc);

/* After recv_end: is the source to be withheld from the program? */
bool recv_hides_source(const struct transfer *t);

/* Take back what recv_begin or send_begin borrowed. */
void transfer_over(struct transfer *t);

#endif
