/* Binds that Jython only remembers: kept, done for real when their time comes. */
#include "settings.h"

#include <sched.h>

static _Atomic int pending_count; /* shadows whose naming is ASKED; a hint across fork */

bool pending_any(void)
{
	return atomic_load_explicit(&pending_count, memory_order_relaxed) > 0;
}

void pending_forgotten(void)
{
	atomic_fetch_sub(&pending_count, 1);
}

void pending_keep(struct shadow *sock, const void *addr, socklen_t len)
{
	if (!shadow_keep(sock, &sock->name, addr, len))
		return;
	if (atomic_exchange(&sock->naming, ASKED) != ASKED)
		atomic_fetch_add(&pending_count, 1);
}

void pending_done(struct shadow *sock)
{
	if (atomic_exchange(&sock->naming, BOUND) == ASKED)
		atomic_fetch_sub(&pending_count, 1);
}

int pending_failed(int err, const struct occasion *at)
{
	err = mapped(decide_bind_error(err), at, err);
	report_finding(rule_fail(DEFERRED_BIND, err), at);
	return err;
}

int pending_bind(struct shadow *sock, const struct occasion *at)
{
	unsigned char asked = ASKED;
	struct address name;
	int err = 0;

	/* Another thread in the kernel with it is soon done; one that a fork left
	 * behind never is. */
	for (int patience = 100000; !atomic_compare_exchange_strong(&sock->naming, &asked, BINDING); patience--) {
		if (asked != BINDING)
			return 0;
		if (patience == 0)
			break;
		asked = ASKED;
		sched_yield();
	}
	settings_before_bind(sock, at->fd);
	if (!shadow_recall(sock, &sock->name, &name))
		err = EAGAIN;
	else if (REAL(bind)(at->fd, &name.any, name.len) != 0)
		err = errno;
	if (err == EINVAL && track_kernel_name(at->fd, &name))
		err = 0; /* another process that shares the socket was first */
	if (err)
		err = pending_failed(err, at);
	else
		atomic_fetch_sub(&pending_count, 1);
	atomic_store(&sock->naming, err ? ASKED : BOUND);
	return err;
}

struct flush {
	const char *call;
	void *site;
	bool all; /* not only fds that survive exec */
};

static void flush_visit(int fd, struct shadow *sock, void *context)
{
	const struct flush *flush = context;
	struct occasion at = { flush->call, fd, sock, flush->site, -1, 0 };
	int flags = REAL(fcntl)(fd, F_GETFD);

	if (flags < 0 || (flags & FD_CLOEXEC && !flush->all) || !track_confirm(fd, sock))
		return;
	if (atomic_load(&sock->naming) == ASKED)
		pending_bind(sock, &at);
	if (shadow_is(sock, UNMADE))
		settings_apply(sock, fd, sock->kind == UDP ? DATAGRAM : CLIENT);
	report_finding(decide_fd_passing(), &at);
}

void pending_flush(const char *call, bool all, void *site)
{
	struct flush flush = { call, site, all };
	int saved = errno;

	start_once();
	if (pending_any() || rule_active(FD_PASSING))
		fdtable_each(flush_visit, &flush);
	errno = saved;
}

void pending_flush_one(int fd, const char *call, void *site)
{
	struct flush flush = { call, site, true };
	struct shadow *sock = track_unchecked(fd);
	int saved = errno;

	if (sock)
		flush_visit(fd, sock, &flush);
	shadow_put(sock);
	errno = saved;
}
