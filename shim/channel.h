/* A socket whose Java side is a Netty channel (Jython 2.7): what the channel knows
 * and the kernel's socket does not. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "io.h"

/* Does each bind, listen and connect make something new of the socket? */
static inline bool channel_begins_anew(void)
{
	return rule_mode(RECONNECT) == ENFORCE;
}

/* Is there a channel that receives? */
static inline bool channel_made(const struct shadow *sock)
{
	return sock->kind == UDP ? !shadow_is(sock, UNMADE) : shadow_is(sock, CLIENT);
}

/* Is the connection under way established, or over, by now? */
void channel_refresh(struct shadow *sock, int fd);

/* Is the channel closed: the connect failed, or the peer has ended? */
bool channel_closed(const struct shadow *sock, int fd);

/* First use of an accepted socket: from now on it reads. */
void channel_wake(struct shadow *sock);

/* The same by waiting for it: what the wait says is there has been read by then. */
void channel_watch(struct shadow *sock);

/* What is left of its sleep when it begins anew: its use will wake the channel that there is then. */
static inline unsigned channel_slumber(const struct shadow *sock)
{
	return shadow_past(sock) & (PAST_ASLEEP | PAST_DORMANT) ? PAST_DORMANT : 0;
}

/* Before a receive or a send of a TCP client.  True: answered, t->rc. */
bool channel_receives(struct transfer *t);
bool channel_sends(struct transfer *t, size_t len);

/* After a receive; rc and errno as the kernel gave them. */
ssize_t channel_received(struct transfer *t, ssize_t rc);

/* Throw away what came in for a deaf socket.  False: the end has come. */
bool channel_discard(int fd);

/* Receive no datagram any more. */
void channel_deafen(int fd);

/* A new kernel socket of this type under every descriptor of the old one, bound
 * where the program asked for (or anywhere), with its options.  Returns 0 or the
 * errno of the bind, and then nothing has changed. */
int channel_renew(struct shadow *sock, int type, enum role role, const struct occasion *at);

/* A UDP socket whose bind was refused has a channel that is none, until it connects. */
static inline bool channel_is_hollow(const struct shadow *sock)
{
	return policy.traits.channel_ends && sock->kind == UDP && sock->naming == REFUSED && sock->link == IDLE;
}

/* Does Jython take it for a server by now?  It may, although its listen failed. */
static inline bool channel_serves(const struct shadow *sock)
{
	unsigned past = shadow_past(sock);

	return shadow_is(sock, LISTENER) ? !(past & PAST_TURNED) : past & (PAST_HALF | PAST_BROKEN);
}

/* A UDP socket whose listen failed has its channel still, and is no UDP socket any more. */
static inline bool channel_is_half(const struct shadow *sock)
{
	return sock->kind == UDP && channel_serves(sock);
}

/* --- former.c: the channels that the socket had before ------------------- */

/* The socket becomes something else: keep what it was, open. */
void former_keep(struct shadow *sock, int fd);

/* It connects again: what they have received is forgotten. */
void former_forget(struct shadow *sock);

/* What is asked of them: to tell something, or to have a connection for accept. */
enum wanted { SPEAKS, LISTENS };

/* Is there one that could?  Is one ready?  Has one come to its end? */
bool former_may(const struct shadow *sock, enum wanted what);
bool former_is_ready(const struct shadow *sock, enum wanted what);
bool former_has_closed(const struct shadow *sock);

/* What has a receive to tell from one of them?  DATA: t->source and t->limit are set.
 * NONSENSE: a datagram, to what is a stream now. */
enum tells { NOTHING, DATA, THE_END, NONSENSE };
enum tells former_takes(struct transfer *t);
void former_received(const struct transfer *t, ssize_t rc);

/* Wait for one descriptor (unless silent: nothing comes from it) and for them. */
int former_poll(const struct shadow *sock, struct pollfd *one, enum wanted what, bool silent, int timeout);

/* The descriptor to accept from: that of a former listener if it has a connection, else
 * fd.  In blocking mode waits until there is one. */
int former_listener(const struct shadow *sock, int fd);

/* It listens again: connections that nobody has asked for yet are not asked for any more,
 * those of one listener or of all that it was. */
void former_ignore(struct shadow *sock, int listener);
void former_unlisten(struct shadow *sock);

/* Bind a socket as the role that it is about to take does it in Java: where the
 * program asked for, or anywhere.  0 or errno. */
int channel_bind(struct shadow *sock, int fd, enum role role);

/* The name that the channel tells, kept from the first time it was asked. */
bool channel_name(struct shadow *sock, int fd, struct address *name);

/* The errno of the call that ends now, for SO_ERROR. */
static inline void channel_note(struct shadow *sock, int error)
{
	if (error) /* success is not noted */
		sock->error = error;
}

#endif
