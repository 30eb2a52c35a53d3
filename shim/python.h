/* What the CPython adapter tells the rest of the shim. */
#ifndef PYTHON_H
#define PYTHON_H

#include "shim.h"

/* What the socket module is doing in this thread, for the libc calls that it
 * makes on its own behalf. */
enum python_doing {
	PYTHON_NOTHING, PYTHON_RECV, PYTHON_RECVFROM, PYTHON_SEND, PYTHON_SENDTO, PYTHON_ACCEPT,
	PYTHON_CONNECT, PYTHON_CONNECT_EX,
	PYTHON_CONFIGURE, /* settimeout, setblocking */
	PYTHON_OTHER
};

extern _Thread_local enum python_doing python_doing __attribute__((tls_model("initial-exec")));

/* Set where a source address was withheld from CPython in this thread. */
extern _Thread_local bool python_source_hidden __attribute__((tls_model("initial-exec")));

/* Set where CPython read an option that was never set, in this thread. */
extern _Thread_local bool python_unset __attribute__((tls_model("initial-exec")));

/* Set where CPython read an end that was read before, in this thread. */
extern _Thread_local bool python_ended __attribute__((tls_model("initial-exec")));

/* Is CPython in its own connect or connect_ex? */
static inline bool python_connects(void)
{
	return python_doing == PYTHON_CONNECT || python_doing == PYTHON_CONNECT_EX;
}

/* Does this call come from CPython's socket or select module? */
bool python_called(const void *site);

/* Is this poll CPython's own, before an operation in timeout mode? */
static inline bool python_waits(nfds_t count)
{
	return python_doing != PYTHON_NOTHING && count == 1;
}

/* That poll as it is to be. */
int python_poll(struct pollfd *one, int timeout, const struct occasion *at);

/* The timeout of new sockets is one that waits for ever. */
extern _Atomic unsigned char python_default_forever;

/* Mode of new sockets by setdefaulttimeout: 0, or 1 + enum timing. */
extern _Atomic unsigned char python_default_timing;

#endif
