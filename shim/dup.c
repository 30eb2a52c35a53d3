/* Descriptors that share, replace or end a socket. */
#include "python.h"

#include <stdarg.h>
#include <stdint.h>

/* Java has no descriptors 0-2 to put a socket on. */
static void duplicated(int from, int to, const struct occasion *at)
{
	struct shadow *sock;

	/* What a vfork child makes of its descriptors for exec leaves no trace here. */
	if (pending_any() && !fdtable_is_mine())
		pending_flush_one(from, at->call, at->site);
	fdtable_copy(from, to);
	if (to > STDERR_FILENO || !rule_active(FD_PASSING))
		return;
	sock = track_unchecked(to);
	if (sock)
		report_finding(decide_fd_passing(), at);
	shadow_put(sock);
}

SHIM int dup(int fd)
{
	struct occasion at = OCCASION("dup", fd, NULL);
	int rc = REAL(dup)(fd);

	if (rc >= 0)
		duplicated(fd, rc, &at);
	return rc;
}

SHIM int dup2(int from, int to)
{
	struct occasion at = OCCASION("dup2", from, NULL);
	int rc = REAL(dup2)(from, to);

	if (rc >= 0)
		duplicated(from, to, &at);
	return rc;
}
SHIM_TWIN(__dup2, dup2);

SHIM int dup3(int from, int to, int flags)
{
	struct occasion at = OCCASION("dup3", from, NULL);
	int rc = REAL(dup3)(from, to, flags);

	if (rc >= 0)
		duplicated(from, to, &at);
	return rc;
}

/* O_NONBLOCK has changed: 0, or -1 with errno where CPython is to see that Java
 * could not do it. */
static int noted(int fd, bool nonblocking, const struct occasion *at)
{
	struct shadow *sock = track_unchecked(fd);
	struct occasion here = *at;
	int rc = 0;

	if (sock) {
		sock->nonblocking = nonblocking;
		shadow_rearm(sock);
		here.sock = sock;
		if (python_doing == PYTHON_CONFIGURE && track_confirm(fd, sock))
			rc = option_configure(sock, &here);
	}
	shadow_put(sock);
	return rc;
}

/* After the real fcntl succeeded with rc. */
static int controlled(int fd, int command, void *argument, int rc, const struct occasion *at)
{
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		duplicated(fd, rc, at);
	else if (command == F_SETFL)
		return noted(fd, ((uintptr_t)argument & O_NONBLOCK) != 0, at);
	return rc;
}

#define FCNTL(name)                                              \
	SHIM int name(int fd, int command, ...)                  \
	{                                                        \
		struct occasion at = OCCASION(#name, fd, NULL);  \
		void *argument;                                  \
		va_list rest;                                    \
		int rc;                                          \
                                                                 \
		va_start(rest, command);                         \
		argument = va_arg(rest, void *);                 \
		va_end(rest);                                    \
		rc = REAL(name)(fd, command, argument);          \
		if (rc >= 0)                                     \
			rc = controlled(fd, command, argument, rc, &at); \
		return rc;                                       \
	}

FCNTL(fcntl)
FCNTL(fcntl64)
SHIM_TWIN(__fcntl, fcntl);

SHIM int ioctl(int fd, unsigned long request, ...)
{
	struct occasion at = OCCASION("ioctl", fd, NULL);
	void *argument;
	va_list rest;
	int rc;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	rc = REAL(ioctl)(fd, request, argument);
	if (rc == 0 && request == FIONBIO)
		rc = noted(fd, *(const int *)argument != 0, &at);
	return rc;
}

/* A slot is emptied before its fd is closed: afterwards the number may be
 * another thread's. */

static void closing(int fd)
{
	struct shadow *sock = track_unchecked(fd);

	event("close", fd, sock, 0);
	shadow_put(sock);
}

SHIM int close(int fd)
{
	if (__builtin_expect(events_wanted, 0))
		closing(fd);
	fdtable_clear(fd);
	return REAL(close)(fd);
}
SHIM_TWIN(__close, close);

SHIM int close_range(unsigned first, unsigned last, int flags)
{
	if (!(flags & (int)CLOSE_RANGE_CLOEXEC) && first <= last)
		fdtable_clear_range(first, last);
	return REAL(close_range)(first, last, flags);
}

SHIM void closefrom(int first)
{
	fdtable_clear_range(first < 0 ? 0 : (unsigned)first, ~0U);
	REAL(closefrom)(first);
}

static void stream_ends(FILE *file)
{
	int saved = errno, fd = fileno(file);

	errno = saved;
	if (fd >= 0)
		fdtable_clear(fd);
}

SHIM int fclose(FILE *file)
{
	stream_ends(file);
	return REAL(fclose)(file);
}

SHIM FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict file)
{
	if (path) /* else the descriptor stays, with another mode */
		stream_ends(file);
	return REAL(freopen)(path, mode, file);
}

SHIM FILE *freopen64(const char *restrict path, const char *restrict mode, FILE *restrict file)
{
	if (path)
		stream_ends(file);
	return REAL(freopen64)(path, mode, file);
}
