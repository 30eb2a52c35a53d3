/* The steps of a connect, shared with the sends that are one (MSG_FASTOPEN). */
#ifndef CONNECT_H
#define CONNECT_H

#include "shim.h"

/* Before: is the call answered already (*rc, errno)?  Does pending binds. */
bool connect_refused(struct shadow *sock, const struct occasion *at, int *rc);

/* After: take its result (errno if negative) into the shadow, and map errno. */
void connect_done(struct shadow *sock, int rc, const struct occasion *at);

/* A connection under way turned out to have failed. */
void connect_failed(struct shadow *sock, int error);

/* CPython's connect learnt how the connection went (an int at error, its SO_ERROR),
 * or waited for it in vain. */
void connect_resolved(struct shadow *sock, int *error, const struct occasion *at);
void connect_expired(struct shadow *sock, const struct occasion *at);

/* State of a connection that was under way: CONNECTING, CONNECTED or IDLE (over). */
enum link connect_state(int fd);

/* One that is over: had it been established before it was reset? */
bool connect_was_reset(int fd);

#endif
