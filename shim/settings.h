/* The options of a socket as the program set them, where Jython answers from memory
 * or passes them on later.  A fixed store beside each shadow, in pages of its own
 * that are touched only by sockets which need one. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "shim.h"

enum { SETTINGS = 15, SETTING_BYTES = 20 };

struct setting {
	int level, option;
	socklen_t len;
	unsigned char value[SETTING_BYTES];
};

/* The value last kept for an option.  False: none. */
bool settings_find(const struct shadow *sock, int level, int option, struct setting *copy);

/* Keep a value (readable, len bytes).  False where the store has no room for it. */
bool settings_keep(struct shadow *sock, int level, int option, const void *value, socklen_t len);

/* A name kept beside them: the one that a channel told first. */
bool settings_name(const struct shadow *sock, struct address *name);
void settings_keep_name(struct shadow *sock, const struct address *name);
bool settings_bound(const struct shadow *sock, struct address *name); /* by the bind before connect */
void settings_keep_bound(struct shadow *sock, const struct address *name);
void settings_forget_name(struct shadow *sock);

/* A kernel socket that the program has done with, but Java has not: former.c. */
struct former {
	_Atomic int fd;       /* -1: gone */
	_Atomic unsigned flags;
	_Atomic uint32_t left; /* bytes still to be told, of one that was shut down */
	_Atomic uint64_t cookie;
};

enum { FORMERS = 8 };

/* Put one into its place, which other threads may be looking at. */
void former_put(struct former *place, const struct former *former);

/* Keep one; false where the store has no room for it. */
bool settings_park(struct shadow *sock, const struct former *former);

/* The one of this number, below sock->parked; the newest comes last. */
struct former *settings_former(const struct shadow *sock, int number);

/* Copy the options of one socket to another. */
void settings_copy(const struct shadow *from, struct shadow *to);

/* The first int of a value. */
int setting_number(const struct setting *setting);

/* Tell the kernel one option of a made socket: a send buffer with what its channel has
 * beside it. */
void settings_tell(const struct shadow *sock, int fd, int level, int option, const void *value, socklen_t len);

/* Pass what is kept on to the kernel, as far as the role that the socket has taken
 * knows it.  Returns 0, or the errno of the first that Java would have refused. */
int settings_apply(const struct shadow *sock, int fd, enum role role);

/* The same for SO_REUSEADDR, which only a bind is told of. */
void settings_before_bind(const struct shadow *sock, int fd);

#endif
