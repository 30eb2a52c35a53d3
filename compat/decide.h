/* What would Jython do?  One question a call, each a pure function of the
 * shadow, the arguments and the policy.  A verdict's rc is Jython's result. */
#ifndef DECIDE_H
#define DECIDE_H

#include "shadow.h"
#include "verdict.h"

enum { ESOCKISBLOCKING = 20000 }; /* Jython's own errno, Lib/select.py of 2.5 */

/* Bits of enum armed that this socket needs now. */
unsigned decide_armed(const struct shadow *sock);

/* socket(2), socketpair(2). */
struct verdict decide_socket(int domain, int type, int protocol);
bool family_is_refused(int domain); /* to CPython's socket() */
struct verdict decide_socketpair(int domain);

/* bind: may it be called at all; is a TCP bind put off until listen or connect;
 * is there something to say of its error (an errno of the kernel's bind). */
struct verdict decide_bind(const struct shadow *sock);
bool bind_is_deferred(const struct shadow *sock);
struct verdict decide_bind_error(int error);

/* listen: may it be called; what becomes of the backlog (rc: the one to use). */
struct verdict decide_listen(const struct shadow *sock);
struct verdict decide_backlog(int backlog);

/* The socket is about to take this role: do options set earlier forbid it? */
struct verdict decide_made(const struct shadow *sock, enum role role);

/* Which one, for the role that it has or, unmade, for a client's.  False: none of the
 * table. */
bool late_option(const struct shadow *sock, int *level, int *option);

/* connect: may it be called; what does its error become. */
struct verdict decide_connect(const struct shadow *sock);
struct verdict decide_connect_port(const struct shadow *sock, bool zero);

/* The same for CPython's own connect, and for its connect_ex, where Jython tells
 * them apart (connect_ex_asks). */
struct verdict decide_connect_once(const struct shadow *sock);
struct verdict decide_connect_ex(const struct shadow *sock);

/* connect_ex of 2.7, once connect was called: how that went. */
struct verdict decide_connect_ex_tried(const struct shadow *sock);

/* CPython's connect, or connect_ex (asks), has got a connection under way. */
struct verdict decide_connect_pending(const struct shadow *sock, bool asks, bool established);

struct verdict decide_connect_again(const struct shadow *sock, bool pending);
struct verdict decide_connect_error(int error);

/* Does a connect that failed with this errno use up the socket? */
bool connect_kills(int error);

/* getsockname: fails, or (rc 0) answers the name that was asked for; of a dead
 * socket, the wildcard address with its port. */
struct verdict decide_getsockname(const struct shadow *sock);

/* getpeername: rc 0 answers the remembered peer where Linux says ENOTCONN. */
struct verdict decide_getpeername(const struct shadow *sock);

struct verdict decide_shutdown(const struct shadow *sock, int how);
struct verdict decide_shutdown_error(const struct shadow *sock, int error);

/* Does this shutdown drop what is received, before and after? */
bool shutdown_discards(const struct shadow *sock, int how);

/* Row of options.def, or -1. */
int option_row(int level, int option);

/* Does Jython only keep what is set now, whatever it is, and answer it as it is? */
bool option_is_kept(const struct shadow *sock, int level, int option, int row);

/* A kept option when the role is taken: 0 to pass it on, OPTION_ONLY_BINDS to pass
 * over it, else the errno with which it is refused. */
enum { OPTION_ONLY_BINDS = -1 };
int decide_apply(enum role role, int level, int option, int value);

/* Does a channel of its kind have this option? */
bool option_is_its(const struct shadow *sock, int row);

/* An option that is remembered (options_remembered): rc 1 if it is a flag, err if the
 * channel refuses this value. */
struct verdict decide_remembered(const struct shadow *sock, int row, int value);

/* CPython changes the socket's mode: Java configures the channel anew. */
struct verdict decide_configure(const struct shadow *sock);

/* SO_LINGER read or written on a made socket; rc: the longest time. */
struct verdict decide_linger(const struct shadow *sock);

/* setsockopt and getsockopt by row; the value is that of a buffer size. */
struct verdict decide_setsockopt(const struct shadow *sock, int row);
struct verdict decide_getsockopt(const struct shadow *sock, int row);
struct verdict decide_buffer_size(const struct shadow *sock, int value);

/* SO_RCVBUF or SO_SNDBUF reads as `kernel`: rc is what Jython would read. */
struct verdict decide_buffer_readback(const struct shadow *sock, int direction, int kernel);

/* A zero timeout set by SO_RCVTIMEO, SO_SNDTIMEO or the CPython adapter. */
struct verdict decide_zero_timeout(void);

/* A timeout of CPython below one millisecond, cut to Java's zero: no limit. */
struct verdict decide_short_timeout(void);

/* An operation of the socket ended with EAGAIN (or, connect, EINPROGRESS)
 * because its SO_RCVTIMEO or SO_SNDTIMEO ran out. */
struct verdict decide_expired(const struct shadow *sock, int direction);

/* Sends: before the call (`elsewhere`: to another address than the peer's), and
 * after it failed with an errno.  `addressed`: the call names an address. */
struct verdict decide_send(const struct shadow *sock, bool addressed, bool elsewhere);
enum { SEND_CAP_BYTES = 65536 };
struct verdict decide_send_cap(const struct shadow *sock); /* of more bytes than that */
struct verdict decide_empty_datagram(const struct shadow *sock, bool addressed);
struct verdict decide_sendto(const struct shadow *sock); /* CPython's method of that name */
struct verdict decide_send_error(const struct shadow *sock, int error);

/* Receives.  `from`: the call could answer the source (recvfrom, recvmsg). */
struct verdict decide_recv(const struct shadow *sock, bool from);
struct verdict decide_source(const struct shadow *sock);

/* MSG_ flags of a send or receive. */
struct verdict decide_flags(int flags);

/* select, poll, epoll.  `sock` NULL: not a socket. */
struct verdict decide_wait_blocking(const struct shadow *sock);
struct verdict decide_wait_unmade(const struct shadow *sock);
struct verdict decide_wait_non_socket(void);
struct verdict decide_wait_events(int unusual);
bool wait_rules_active(void);

/* A socket reached, or is about to reach, another process or descriptor 0-2. */
struct verdict decide_fd_passing(void);

#endif
