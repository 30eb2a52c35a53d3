/* send, sendto, sendmsg, sendmmsg, write, writev: the data path of sends, by
 * hand.  An fd that is not armed costs a look at the table and a jump. */
#include "io.h"

enum { WATCHED = ARMED_SEND | ARMED_PIPE | ARMED_FLAGS, WATCHED_ADDRESS = WATCHED | ARMED_SENDTO };

#define LIKELY(condition) __builtin_expect(!!(condition), 1)

/* Nothing but EPIPE can differ, and errno-map is enforced. */
static inline bool only_pipe(unsigned armed)
{
	return LIKELY((armed & WATCHED_ADDRESS) == ARMED_PIPE);
}

__attribute__((noinline)) static ssize_t send_armed(struct transfer *t, const void *buf, size_t len)
{
	int flags = t->flags;

	if (send_begin(t, NULL, 0, &flags))
		return -1;
	return send_end(t, REAL(send)(t->at.fd, buf, len, flags));
}

SHIM ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	unsigned armed = fdtable_armed(fd);
	struct transfer t;
	ssize_t rc;

	if (LIKELY(!(armed & WATCHED)))
		return REAL(send)(fd, buf, len, flags);
	if (only_pipe(armed)) {
		rc = real.send(fd, buf, len, flags | MSG_NOSIGNAL);
		return LIKELY(rc >= 0) ? rc : send_failed(&OCCASION("send", fd, NULL), flags);
	}
	t = TRANSFER("send", fd, flags);
	return send_armed(&t, buf, len);
}
SHIM_TWIN(__send, send);

SHIM ssize_t sendto(int fd, const void *buf, size_t len, int flags, __CONST_SOCKADDR_ARG addr, socklen_t addrlen)
{
	unsigned armed = fdtable_armed(fd);
	struct transfer t;
	int used = flags;
	ssize_t rc;

	if (LIKELY(!(armed & WATCHED_ADDRESS)) && !(flags & MSG_FASTOPEN))
		return REAL(sendto)(fd, buf, len, flags, addr, addrlen);
	if (only_pipe(armed)) {
		rc = REAL(sendto)(fd, buf, len, flags | MSG_NOSIGNAL, addr, addrlen);
		return LIKELY(rc >= 0) ? rc : send_failed(&OCCASION("sendto", fd, NULL), flags);
	}
	t = TRANSFER("sendto", fd, flags);
	if (send_begin(&t, addr.__sockaddr__, addrlen, &used))
		return -1;
	return send_end(&t, REAL(sendto)(fd, buf, len, used, addr, addrlen));
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

static ssize_t sendmsg_armed(struct transfer *t, const struct msghdr *msg)
{
	bool whole = readable(msg, sizeof *msg);
	int flags = t->flags;

	if (send_begin(t, whole ? msg->msg_name : NULL, whole ? msg->msg_namelen : 0, &flags))
		return -1;
	return send_end(t, REAL(sendmsg)(t->at.fd, msg, flags));
}

SHIM ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	unsigned armed = fdtable_armed(fd);
	struct transfer t;
	ssize_t rc;

	if (rights_matter())
		flush_rights(msg, &OCCASION("sendmsg", fd, NULL));
	if (LIKELY(!(armed & WATCHED_ADDRESS)) && !(flags & MSG_FASTOPEN))
		return REAL(sendmsg)(fd, msg, flags);
	if (only_pipe(armed)) {
		rc = real.sendmsg(fd, msg, flags | MSG_NOSIGNAL);
		return LIKELY(rc >= 0) ? rc : send_failed(&OCCASION("sendmsg", fd, NULL), flags);
	}
	t = TRANSFER("sendmsg", fd, flags);
	return sendmsg_armed(&t, msg);
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
	if (LIKELY(!(armed & (WATCHED_ADDRESS))))
		return REAL(sendmmsg)(fd, msgs, count, flags);
	whole = count && readable(msgs, sizeof *msgs);
	if (send_begin(&t, whole ? msgs->msg_hdr.msg_name : NULL, whole ? msgs->msg_hdr.msg_namelen : 0, &used))
		return -1;
	return (int)send_end(&t, REAL(sendmmsg)(fd, msgs, count, used));
}

/* write cannot be told to keep SIGPIPE back, send can.  ENOTSOCK: the number has
 * gone to something else behind our back. */
__attribute__((noinline)) static ssize_t write_failed(int fd, const void *buf, size_t len, void *site)
{
	if (errno != ENOTSOCK)
		return send_failed(&(struct occasion){ "write", fd, NULL, site, -1, 0 }, 0);
	fdtable_clear(fd);
	return REAL(write)(fd, buf, len);
}

static ssize_t write_armed(struct transfer *t, const void *buf, size_t len)
{
	int flags = 0;

	if (send_begin(t, NULL, 0, &flags))
		return -1;
	if (flags)
		return send_end(t, REAL(send)(t->at.fd, buf, len, flags));
	return send_end(t, REAL(write)(t->at.fd, buf, len));
}

SHIM ssize_t write(int fd, const void *buf, size_t len)
{
	unsigned armed = fdtable_armed(fd);
	struct transfer t;
	ssize_t rc;

	if (LIKELY(!(armed & (ARMED_SEND | ARMED_PIPE))))
		return REAL(write)(fd, buf, len);
	if (LIKELY(!(armed & ARMED_SEND))) {
		rc = real.send(fd, buf, len, MSG_NOSIGNAL);
		return LIKELY(rc >= 0) ? rc : write_failed(fd, buf, len, __builtin_return_address(0));
	}
	t = TRANSFER("write", fd, 0);
	return write_armed(&t, buf, len);
}
SHIM_TWIN(__write, write);

SHIM ssize_t writev(int fd, const struct iovec *parts, int count)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count };
	unsigned armed = fdtable_armed(fd);
	struct transfer t;
	int flags = 0;
	ssize_t rc;

	if (LIKELY(!(armed & (ARMED_SEND | ARMED_PIPE))) || count < 0)
		return REAL(writev)(fd, parts, count);
	t = TRANSFER("writev", fd, 0);
	if (send_begin(&t, NULL, 0, &flags))
		return -1;
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
