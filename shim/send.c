/* send, sendto, sendmsg, sendmmsg, write, writev: the data path of sends, by
 * hand.  An fd that is not armed costs a look at the table and a jump. */
#include "io.h"

#include <limits.h>

enum { WATCHED = ARMED_SEND | ARMED_PIPE | ARMED_FLAGS, WATCHED_ADDRESS = WATCHED | ARMED_SENDTO };

/* Nothing but EPIPE can differ on this fd, errno-map is enforced and the real
 * functions are known (track_role).  What a failure needs goes to the stack: that
 * is cheaper than the registers which a function would have to save. */
#define ONLY_PIPE(name, real_call, fd, flags)                                    \
	volatile int kept_fd = (fd);                                             \
	volatile int kept_flags = (flags);                                       \
	ssize_t rc = (real_call);                                                \
	if (LIKELY(rc >= 0))                                                     \
		return rc;                                                       \
	return send_failed(&OCCASION(name, kept_fd, NULL), kept_flags)

static size_t send_cap(const struct transfer *t, size_t len)
{
	return t->sock && len > SEND_CAP_BYTES && enforced(decide_send_cap(t->sock)) ? SEND_CAP_BYTES : len;
}

SLOW __typeof__(send) slow_send;
static __typeof__(&send) next_send = slow_send;

SLOW ssize_t slow_send(int fd, const void *buf, size_t len, int flags)
{
	struct transfer t = TRANSFER("send", fd, flags);

	FOUND(send);
	if (!(fdtable_armed(fd) & WATCHED))
		return REAL(send)(fd, buf, len, flags);
	t.len = len;
	t.empty = len == 0;
	if (send_begin(&t, NULL, 0, &flags))
		return t.rc;
	return send_end(&t, REAL(send)(fd, buf, send_cap(&t, len), flags));
}

static __attribute__((noinline)) ssize_t pipe_send(int fd, const void *buf, size_t len, int flags)
{
	ONLY_PIPE("send", real.send(fd, buf, len, flags | MSG_NOSIGNAL), fd, flags);
}

SHIM ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	unsigned armed = fdtable_armed_near(fd) & WATCHED;

	if (LIKELY(!armed))
		return NEXT(send)(fd, buf, len, flags);
	if (LIKELY(armed == ARMED_PIPE))
		return pipe_send(fd, buf, len, flags);
	return slow_send(fd, buf, len, flags);
}
SHIM_TWIN(__send, send);

SLOW __typeof__(sendto) slow_sendto;
static __typeof__(&sendto) next_sendto = slow_sendto;

SLOW ssize_t slow_sendto(int fd, const void *buf, size_t len, int flags, __CONST_SOCKADDR_ARG addr, socklen_t addrlen)
{
	struct transfer t = TRANSFER("sendto", fd, flags);

	FOUND(sendto);
	if (!(fdtable_armed(fd) & WATCHED_ADDRESS) && !(flags & MSG_FASTOPEN))
		return REAL(sendto)(fd, buf, len, flags, addr, addrlen);
	t.len = len;
	t.empty = len == 0;
	if (send_begin(&t, addr.__sockaddr__, addrlen, &flags))
		return t.rc;
	return send_end(&t, REAL(sendto)(fd, buf, send_cap(&t, len), flags, addr, addrlen));
}

static __attribute__((noinline)) ssize_t pipe_sendto(int fd, const void *buf, size_t len, int flags,
						     __CONST_SOCKADDR_ARG addr, socklen_t addrlen)
{
	ONLY_PIPE("sendto", real.sendto(fd, buf, len, flags | MSG_NOSIGNAL, addr, addrlen), fd, flags);
}

SHIM ssize_t sendto(int fd, const void *buf, size_t len, int flags, __CONST_SOCKADDR_ARG addr, socklen_t addrlen)
{
	unsigned armed = fdtable_armed_near(fd) & WATCHED_ADDRESS;

	if (LIKELY(!armed && !(flags & MSG_FASTOPEN)))
		return NEXT(sendto)(fd, buf, len, flags, addr, addrlen);
	if (LIKELY(armed == ARMED_PIPE))
		return pipe_sendto(fd, buf, len, flags, addr, addrlen);
	return slow_sendto(fd, buf, len, flags, addr, addrlen);
}

/* Sockets about to be sent away: what is pending on them must be done here. */
static void flush_rights(const struct msghdr *msg, struct occasion *at)
{
	struct msghdr copy;

	if (!readable(msg, sizeof *msg))
		return;
	copy = *msg;
	if (!copy.msg_control || !readable(copy.msg_control, copy.msg_controllen))
		return;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(&copy); part; part = CMSG_NXTHDR(&copy, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS || part->cmsg_len < CMSG_LEN(0))
			continue;
		for (size_t i = 0; i < (part->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
			pending_flush_one(((int *)(void *)CMSG_DATA(part))[i], at->call, at->site);
	}
}

static inline bool rights_matter(void)
{
	return pending_any() || rule_active(FD_PASSING);
}

SLOW __typeof__(sendmsg) slow_sendmsg;
static __typeof__(&sendmsg) next_sendmsg = slow_sendmsg;

SLOW ssize_t slow_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct transfer t = TRANSFER("sendmsg", fd, flags);
	bool whole = readable(msg, sizeof *msg);

	FOUND(sendmsg);
	if (rights_matter())
		flush_rights(msg, &t.at);
	if (!(fdtable_armed(fd) & WATCHED_ADDRESS) && !(flags & MSG_FASTOPEN))
		return REAL(sendmsg)(fd, msg, flags);
	if (send_begin(&t, whole ? msg->msg_name : NULL, whole ? msg->msg_namelen : 0, &flags))
		return t.rc;
	return send_end(&t, REAL(sendmsg)(fd, msg, flags));
}

static __attribute__((noinline)) ssize_t pipe_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ONLY_PIPE("sendmsg", real.sendmsg(fd, msg, flags | MSG_NOSIGNAL), fd, flags);
}

SHIM ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	unsigned armed = fdtable_armed_near(fd) & WATCHED_ADDRESS;

	if (LIKELY(!armed && !(flags & MSG_FASTOPEN) && !rights_matter()))
		return NEXT(sendmsg)(fd, msg, flags);
	if (LIKELY(armed == ARMED_PIPE))
		return pipe_sendmsg(fd, msg, flags);
	return slow_sendmsg(fd, msg, flags);
}

/* The first message decides; the kernel stops at the first that fails. */
SHIM int sendmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags)
{
	unsigned armed = fdtable_armed(fd);
	struct transfer t = TRANSFER("sendmmsg", fd, flags);
	bool whole;
	int used = flags;

	if (rights_matter() && readable(msgs, count * sizeof *msgs))
		for (unsigned i = 0; i < count; i++)
			flush_rights(&msgs[i].msg_hdr, &t.at);
	if (!(armed & WATCHED_ADDRESS))
		return REAL(sendmmsg)(fd, msgs, count, flags);
	whole = count && readable(msgs, sizeof *msgs);
	if (send_begin(&t, whole ? msgs->msg_hdr.msg_name : NULL, whole ? msgs->msg_hdr.msg_namelen : 0, &used))
		return (int)t.rc;
	return (int)send_end(&t, REAL(sendmmsg)(fd, msgs, count, used));
}

/* write cannot be told to keep SIGPIPE back, send can.  ENOTSOCK: the number has
 * gone to something else behind our back. */
SLOW ssize_t write_failed(int fd, const void *buf, size_t len)
{
	if (errno != ENOTSOCK)
		return send_failed(&OCCASION("write", fd, NULL), 0);
	fdtable_clear(fd);
	return REAL(write)(fd, buf, len);
}

static __attribute__((noinline)) ssize_t pipe_write(int fd, const void *buf, size_t len)
{
	const void *volatile kept_buf = buf;
	volatile size_t kept_len = len;
	volatile int kept_fd = fd;
	ssize_t rc = real.send(fd, buf, len, MSG_NOSIGNAL);

	return LIKELY(rc >= 0) ? rc : write_failed(kept_fd, kept_buf, kept_len);
}

SLOW __typeof__(write) slow_write;
static __typeof__(&write) next_write = slow_write;

SLOW ssize_t slow_write(int fd, const void *buf, size_t len)
{
	struct transfer t = TRANSFER("write", fd, 0);
	unsigned armed = fdtable_armed(fd);
	int flags = 0;
	ssize_t rc;

	FOUND(write);
	if (!(armed & (ARMED_SEND | ARMED_PIPE)))
		return REAL(write)(fd, buf, len);
	if (!(armed & ARMED_SEND))
		return pipe_write(fd, buf, len);
	t.len = len;
	if (send_begin(&t, NULL, 0, &flags))
		return t.rc;
	if (!flags)
		return send_end(&t, REAL(write)(fd, buf, send_cap(&t, len)));
	rc = REAL(send)(fd, buf, send_cap(&t, len), flags);
	if (rc >= 0 || errno != ENOTSOCK)
		return send_end(&t, rc);
	transfer_over(&t);
	return write_failed(fd, buf, len);
}

SHIM ssize_t write(int fd, const void *buf, size_t len)
{
	unsigned armed = fdtable_armed_near(fd) & (ARMED_SEND | ARMED_PIPE);

	if (LIKELY(!armed))
		return NEXT(write)(fd, buf, len);
	if (LIKELY(armed == ARMED_PIPE))
		return pipe_write(fd, buf, len);
	return slow_write(fd, buf, len);
}
SHIM_TWIN(__write, write);

SLOW __typeof__(writev) slow_writev;
static __typeof__(&writev) next_writev = slow_writev;

SLOW ssize_t slow_writev(int fd, const struct iovec *parts, int count)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count };
	struct transfer t = TRANSFER("writev", fd, 0);
	int flags = 0;
	ssize_t rc;

	FOUND(writev);
	if (!(fdtable_armed(fd) & (ARMED_SEND | ARMED_PIPE)) || count < 0 || count > IOV_MAX)
		return REAL(writev)(fd, parts, count);
	if (send_begin(&t, NULL, 0, &flags))
		return t.rc;
	if (!flags)
		return send_end(&t, REAL(writev)(fd, parts, count));
	rc = REAL(sendmsg)(fd, &msg, flags);
	if (rc < 0 && errno == ENOTSOCK) {
		transfer_over(&t);
		fdtable_clear(fd);
		return REAL(writev)(fd, parts, count);
	}
	return send_end(&t, rc);
}

SHIM ssize_t writev(int fd, const struct iovec *parts, int count)
{
	if (LIKELY(!(fdtable_armed_near(fd) & (ARMED_SEND | ARMED_PIPE))))
		return NEXT(writev)(fd, parts, count);
	return slow_writev(fd, parts, count);
}
