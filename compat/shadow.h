/* One socket as Jython would see it: what kind it is, what it has become, and
 * what was asked of it before that.  Plain data; it knows of no real fd.
 *
 * Small fields are atomics, each true on its own; `guard` keeps the two
 * addresses whole.  Shadows are never unmapped, so a reader that lost a race
 * with close sees another socket's facts, never a fault. */
#ifndef SHADOW_H
#define SHADOW_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum kind { TCP, UDP };

/* What the socket has become.  DEAD: its one connect failed. */
enum role { UNMADE, CLIENT, LISTENER, DATAGRAM, DEAD };

/* How far the connection of a CLIENT, or the association of a UDP socket, is. */
enum link { IDLE, CONNECTING, CONNECTED };

/* ASKED: bind was called, the kernel does not know yet.  BINDING: a thread is
 * telling it.  BOUND: the kernel knows (or refused: REFUSED). */
enum naming { UNNAMED, ASKED, BINDING, BOUND, REFUSED };

/* What has happened to a socket. */
enum past {
	PAST_DEAF = 1,  /* its receiving side was shut down */
	PAST_RESET = 2, /* a receive has told the program of a reset */
	PAST_MUTE = 4,  /* its sending side was shut down, here only */
	PAST_END = 8,   /* the end has been read */
	PAST_NEVER = 16,/* its connect failed in the program's face: nothing will ever come */
	PAST_ASLEEP = 32, /* accepted, and not used yet */
	PAST_TRIED = 64,  /* connect was called, or it was accepted */
	PAST_ACCEPTED = 256,
	PAST_CONNECTED = 2048, /* a listener now: its last connect had gone well */
	PAST_DATAGRAM = 4096,  /* a listener now, and a UDP socket before */
	PAST_MISFIT = 1024, /* a protocol that there is not: its addresses cannot be looked up */
	PAST_LISTENED = 512, /* it has been a listener: accept goes on waiting for it */
	PAST_BROKEN = 128, /* its listen failed: no listener, though Jython takes it for one */
	PAST_OVER = 8192,  /* the end has been read of the channel that it has now */
	PAST_CLOSED = 16384, /* a channel of it has closed, which may have been a former one */
	PAST_DORMANT = 1 << 15, /* it connected before it was used as the accepted socket that it was */
	PAST_TWICE = 1 << 16,   /* and the end of that connection is told twice */
	PAST_UNNAMED = 1 << 17, /* its last listen failed: it has no name any more */
	PAST_UNREADY = 1 << 18, /* and is never ready for writing */
	PAST_HALF = 1 << 19,    /* a backlog was refused: no client any more, and no listener yet */
	PAST_KINLESS = 1 << 20, /* it was accepted, whatever it is now: Jython has forgotten its family */
	PAST_TYPELESS = 1 << 21,/* a type that there is not: an error at any address */
	PAST_TURNED = 1 << 22,  /* a listener whose connect was refused its address: Jython takes it for a client */
	PAST_LASTING = PAST_MISFIT | PAST_TYPELESS | PAST_KINLESS | PAST_MUTE | PAST_END | PAST_TRIED | PAST_ACCEPTED |
		       PAST_CONNECTED | PAST_DATAGRAM | PAST_LISTENED |
		       PAST_CLOSED /* what is true of the socket, whichever channel it has */
};

/* Java's three modes; Linux knows the first and the last. */
enum timing { BLOCKING, TIMEOUT, NONBLOCKING };

/* An IP address as given to bind or connect. */
struct address {
	socklen_t len; /* as given, at most sizeof(in6) */
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};

enum { RECEIVE, SEND }; /* index of the two buffers and timeouts */

/* The data path's question: which calls need more than the real function? */
enum armed {
	ARMED_SEND = 1,     /* send, write and their kin without an address */
	ARMED_SENDTO = 2,   /* sends that may name an address */
	ARMED_PIPE = 4,     /* nothing but EPIPE needs to be changed */
	ARMED_RECV = 8,     /* recv, read */
	ARMED_RECVFROM = 16,/* receives that may answer an address */
	ARMED_FLAGS = 32    /* only calls with MSG_ flags are of interest */
};

struct shadow {
	_Atomic uint32_t refs;      /* slots and borrowers; 0: free */
	_Atomic uint32_t armed;     /* enum armed, kept by shadow_rearm */
	_Atomic uint32_t next;      /* the pool's, while free */
	uint32_t index;             /* in the pool, for ever */
	int pid;                    /* process that met the socket first */
	_Atomic uint64_t cookie;    /* SO_COOKIE; 0: unknown */
	_Atomic uint64_t coming;    /* that of the kernel's socket that is about to replace it; 0: none */
	_Atomic unsigned char kind; /* enum kind */
	unsigned char type, proto;  /* the kind that was asked for, and that whose options it has */
	unsigned char family;       /* AF_INET or AF_INET6 */
	_Atomic unsigned char role, link, naming;
	_Atomic unsigned char nonblocking; /* O_NONBLOCK, as last seen */
	_Atomic unsigned char python;      /* 0, or 1 + enum timing from the CPython adapter */
	_Atomic unsigned char timeout_set[2], timeout_zero[2];
	_Atomic unsigned char buffer_set[2];
	_Atomic unsigned char ended; /* its sending side, by shutdown */
	_Atomic unsigned past;       /* enum past */
	_Atomic unsigned char forever; /* its timeout is Java's zero: it waits for ever */
	_Atomic unsigned char kept;  /* options in its store */
	_Atomic unsigned char parked; /* former kernel sockets in it */
	_Atomic unsigned char told; /* findings said once a socket, by enum told */
	_Atomic int error;          /* of the last call, for SO_ERROR of 2.7 */
	_Atomic uint32_t left;      /* bytes of a deaf socket, or of a datagram's beginning, see transfer.c */
	_Atomic uint32_t woken;     /* when it was first used: milliseconds of a clock */
	_Atomic int buffer[2];      /* SO_RCVBUF, SO_SNDBUF as asked */
	_Atomic uint32_t early;     /* rows of options.def set while unmade */
	_Atomic uint32_t guard;     /* of the two addresses, see guard_take */
	struct address name, peer;
};

enum told { TOLD_SHARED = 1, TOLD_BLOCKING = 2, TOLD_UNMADE = 4 };

/* Make a free cell the shadow of a new, unmade socket. */
void shadow_init(struct shadow *sock, enum kind kind, int family);

/* Recompute `armed` after any change of state. */
void shadow_rearm(struct shadow *sock);

/* For a few copies, and nothing else, in between.  False: its holder does not come
 * back (a signal handler stands above it, a fork left it behind). */
bool guard_take(_Atomic uint32_t *guard);
void guard_give(_Atomic uint32_t *guard);

/* Keep an address (len bytes at addr, readable); which is name or peer.  False where
 * its guard cannot be taken. */
bool shadow_keep(struct shadow *sock, struct address *which, const void *addr, socklen_t len);

/* Copy a kept address out; false as above. */
bool shadow_recall(const struct shadow *sock, const struct address *which, struct address *copy);

/* Java's mode of the socket: the CPython adapter's word, else SO_RCVTIMEO (or
 * SO_SNDTIMEO) and O_NONBLOCK. */
enum timing shadow_timing(const struct shadow *sock, int direction);

static inline unsigned shadow_past(const struct shadow *sock)
{
	return atomic_load_explicit(&sock->past, memory_order_acquire);
}

static inline bool shadow_is(const struct shadow *sock, enum role role)
{
	return atomic_load_explicit(&sock->role, memory_order_acquire) == role;
}

#endif
