/* sendfile and splice: sends that take no flags, so SIGPIPE has to be held back by
 * the signal mask. */
#include "io.h"

#include <signal.h>

enum { WATCHED = ARMED_SEND | ARMED_PIPE };

struct held {
	sigset_t before;
	bool pending; /* it was there already, and is not ours to take */
};

static sigset_t only_sigpipe(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	return set;
}

static void hold_sigpipe(struct held *held)
{
	sigset_t set = only_sigpipe(), pending;

	pthread_sigmask(SIG_BLOCK, &set, &held->before);
	held->pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

/* Take back the signal that a send ending in EPIPE raised meanwhile. */
static void release_sigpipe(const struct held *held, bool raised)
{
	static const struct timespec now = { 0, 0 };
	sigset_t set = only_sigpipe();
	int saved = errno;

	if (raised && !held->pending)
		while (sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &held->before, NULL);
	errno = saved;
}

struct sending {
	struct transfer transfer;
	struct held held;
	bool holds;
};

/* True: answered, -1 with errno. */
static bool begin(struct sending *s)
{
	int flags = 0;

	if (send_begin(&s->transfer, NULL, 0, &flags))
		return true;
	s->holds = flags & MSG_NOSIGNAL;
	if (s->holds)
		hold_sigpipe(&s->held);
	return false;
}

static ssize_t end(struct sending *s, ssize_t rc)
{
	if (s->holds)
		release_sigpipe(&s->held, rc < 0 && errno == EPIPE);
	return send_end(&s->transfer, rc);
}

SHIM ssize_t sendfile(int out, int in, off_t *offset, size_t count)
{
	struct sending s = { .transfer = TRANSFER("sendfile", out, 0) };

	if (LIKELY(!(fdtable_armed(out) & WATCHED)))
		return REAL(sendfile)(out, in, offset, count);
	return begin(&s) ? -1 : end(&s, REAL(sendfile)(out, in, offset, count));
}

SHIM ssize_t sendfile64(int out, int in, off64_t *offset, size_t count)
{
	struct sending s = { .transfer = TRANSFER("sendfile", out, 0) };

	if (LIKELY(!(fdtable_armed(out) & WATCHED)))
		return REAL(sendfile64)(out, in, offset, count);
	return begin(&s) ? -1 : end(&s, REAL(sendfile64)(out, in, offset, count));
}

SHIM ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len, unsigned flags)
{
	struct sending s = { .transfer = TRANSFER("splice", out, 0) };

	if (LIKELY(!(fdtable_armed(out) & WATCHED)))
		return REAL(splice)(in, in_offset, out, out_offset, len, flags);
	return begin(&s) ? -1 : end(&s, REAL(splice)(in, in_offset, out, out_offset, len, flags));
}
