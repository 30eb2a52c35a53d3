/* What every file of interposed calls shares. */
#ifndef SHIM_H
#define SHIM_H

#include "decide.h"
#include "fdtable.h"
#include "real.h"

#include <errno.h>

#define SHIM __attribute__((visibility("default")))

/* Export libc's second name for a function of this file. */
#if __has_attribute(copy)
#define SHIM_TWIN(twin, of) \
	extern __typeof__(of) twin __attribute__((alias(#of), visibility("default"), copy(of)))
#else
#define SHIM_TWIN(twin, of) extern __typeof__(of) twin __attribute__((alias(#of), visibility("default")))
#endif

/* SHOW_SOCKET: domain, type, protocol; the others: one value. */
enum shown { SHOW_NOTHING, SHOW_FLAGS, SHOW_SOCKET, SHOW_BACKLOG, SHOW_HOW };

/* Where we are: what a finding tells about the call. */
struct occasion {
	const char *call;          /* libc's name of it */
	int fd;
	const struct shadow *sock; /* NULL: not one of ours */
	void *site;                /* the program's return address */
	int level, option;         /* of a socket option; level -1: none */
	enum shown shown;          /* other arguments worth showing */
	int values[3];
};

#define OCCASION(call, fd, sock) \
	((struct occasion){ (call), (fd), (sock), __builtin_return_address(0), -1, 0, SHOW_NOTHING, { 0 } })

/* Obey a verdict.  Enforce: report, set *rc and errno to Jython's answer, and
 * return true.  Report: report and return false; the real call follows.
 * Off: return false. */
bool settled(struct verdict v, const struct occasion *at, int *rc);

/* As settled, for a call that already failed with err on Linux: returns the
 * errno that the program is to see. */
int mapped(struct verdict v, const struct occasion *at, int err);

/* Read the environment, once; before anything is decided. */
extern _Atomic bool started;
void start(void);

static inline void start_once(void)
{
	if (__builtin_expect(!atomic_load_explicit(&started, memory_order_acquire), 0))
		start();
}

/* --- track.c: from an fd to what we know of it ---------------------------- */

/* Borrow the shadow of an fd, made sure to be this very socket's; a socket that
 * we have not met is classified from the kernel.  NULL: not one of ours.
 * Give it back with shadow_put. */
struct shadow *track_for(int fd, const char *call, void *site);
#define track(fd) track_for((fd), __func__, __builtin_return_address(0))

/* Borrow the shadow of an fd without asking the kernel. */
struct shadow *track_unchecked(int fd);

/* Is this still the socket that the shadow was made for? */
bool track_confirm(int fd, const struct shadow *sock);
uint64_t track_cookie(int fd); /* SO_COOKIE; 0: none */

/* The name that the kernel has for a socket; false if it is bound to no port. */
bool track_kernel_name(int fd, struct address *name);

/* Answer an address as the kernel does: truncated to the room there is, with its full
 * length.  The kernel's own answer has just proved the pointers good. */
void answer_address(const struct address *address, struct sockaddr *addr, socklen_t room, socklen_t *len);

/* A descriptor has come into being: by socket or accept (kind and family
 * known), or from somewhere else. */
void track_new(int fd, int domain, int type, int protocol);
void track_accepted(int fd, const struct shadow *listener, int flags);
void track_arrived(int fd);

/* A descriptor that the program may have been given as a socket at its start. */
void track_inherited(int fd);

/* The socket is used: if another process made it, say once that fork shared it. */
void track_shared(int fd, struct shadow *sock, const char *call, void *site);

/* The kernel's socket behind the descriptor has been replaced by a new one. */
void track_renewed(struct shadow *sock, int fd, int type);

/* The last descriptor of a socket is gone. */
void channel_over(struct shadow *sock);

/* The socket has become something; all that depends on it follows. */
void track_role(struct shadow *sock, enum role role, enum link link);

/* --- memory.c ------------------------------------------------------------ */

/* Can len bytes at this address of the program be read?  No signal, no fault. */
bool readable(const void *memory, size_t len);

/* Find out how to ask; at start. */
void memory_start(void);

/* --- option.c ------------------------------------------------------------ */

/* The mode of the socket changes by CPython's doing: 0, or -1 with errno. */
int option_configure(struct shadow *sock, const struct occasion *at);

/* --- pending.c ----------------------------------------------------------- */

/* Tell the kernel of a bind that was only remembered.  Returns 0, or the errno
 * for the program (errno-map applied); 0 where nothing is pending. */
int pending_bind(struct shadow *sock, const struct occasion *at);

/* A bind that was put off has failed: reported; the errno for the program. */
int pending_failed(int err, const struct occasion *at);

/* Remember a bind. */
void pending_keep(struct shadow *sock, const void *addr, socklen_t len);

/* Before another program image or process takes over: do every pending bind
 * whose fd it will inherit (all: any fd).  pending_flush_one: before that fd is
 * handed over. */
void pending_flush(const char *call, bool all, void *site);
void pending_flush_one(int fd, const char *call, void *site);

/* That bind has been made, or is not needed any more. */
void pending_done(struct shadow *sock);

/* A socket was closed with its bind still pending. */
void pending_forgotten(void);

/* Is any bind pending in this process? */
bool pending_any(void);

/* --- report.c ------------------------------------------------------------ */

/* Where findings go.  False, and why in `reason`, if it cannot be written. */
bool report_open(const char *path, char *reason, size_t size);
bool report_wanted(void);

/* PYTEST_CURRENT_TEST at start; does each test have findings of its own? */
void report_tests(const char *test, bool separately);

/* Write one finding.  Async-signal-safe, errno kept.  Returns the verdict that holds
 * at this very place: JYTHONSOCK_ONLY may make a report of an enforcement. */
struct verdict report_finding(struct verdict v, const struct occasion *at);

/* A step in a socket's life, for JYTHONSOCK_EVENTS (event.c). */
extern bool events_wanted;
void event_write(const char *call, int fd, const struct shadow *sock, int rc);

static inline void event(const char *call, int fd, const struct shadow *sock, int rc)
{
	if (__builtin_expect(events_wanted, 0))
		event_write(call, fd, sock, rc);
}

/* Is JYTHONSOCK_ONLY in use?  Then a verdict may hold at one place and not at
 * another: obey what report_finding returns. */
extern bool only_set;

/* Is the rule enforced at this place?  For what a rule does without a finding of its
 * own. */
bool rule_holds(enum rule rule, const struct occasion *at);

/* Say that the shim is here. */
void report_process(void);

/* Write how often each finding was met, where that is news: the process may end now,
 * by what `final` says.  Async-signal-safe, errno kept. */
void report_counts(const char *final);

/* Write one remark about the shim itself, e.g. that CPython was left alone. */
void report_note(const char *subject, const char *text);

/* --- python.c ------------------------------------------------------------ */

/* Called from the calls that CPython makes without its lock held: if the caller
 * is CPython's socket module, put the adapter in place (once a process). */
void python_look(const void *site);

#endif
