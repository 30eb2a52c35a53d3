/* recv, recvfrom, recvmsg, recvmmsg, read, readv and their fortified twins: the
 * data path of receives, by hand. */
#include "io.h"

#include <time.h>

enum { WATCHED = ARMED_RECV | ARMED_FLAGS, WATCHED_ADDRESS = ARMED_RECVFROM | ARMED_FLAGS };

static ssize_t over(struct transfer *t, ssize_t rc)
{
	rc = recv_end(t, rc);
	transfer_over(t);
	return rc;
}

SLOW __typeof__(recv) slow_recv;
static __typeof__(&recv) next_recv = slow_recv;

SLOW ssize_t slow_recv(int fd, void *buf, size_t len, int flags)
{
	struct transfer t = TRANSFER("recv", fd, flags);
	ssize_t rc;

	FOUND(recv);
	if (!(fdtable_armed(fd) & WATCHED))
		return REAL(recv)(fd, buf, len, flags);
	t.empty = len == 0;
	if (recv_begin(&t))
		return t.rc;
	if (t.limit && t.limit < len)
		len = t.limit;
	do
		rc = recv_is_piecewise(&t) ? recv_piece(&t, buf, len, flags, NULL, NULL) : REAL(recv)(t.source, buf, len, flags);
	while (recv_again(&t, rc));
	return over(&t, rc);
}

SHIM ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	if (LIKELY(!(fdtable_armed_near(fd) & WATCHED)))
		return NEXT(recv)(fd, buf, len, flags);
	return slow_recv(fd, buf, len, flags);
}

/* A length beyond the buffer is the real twin's to abort on. */
SHIM ssize_t __recv_chk(int fd, void *buf, size_t len, size_t size, int flags)
{
	if (__builtin_expect(len > size, 0))
		return REAL(__recv_chk)(fd, buf, len, size, flags);
	return recv(fd, buf, len, flags);
}

SLOW __typeof__(recvfrom) slow_recvfrom;
static __typeof__(&recvfrom) next_recvfrom = slow_recvfrom;

SLOW ssize_t slow_recvfrom(int fd, void *restrict buf, size_t len, int flags, __SOCKADDR_ARG addr,
			   socklen_t *restrict addrlen)
{
	struct transfer t = TRANSFER("recvfrom", fd, flags);
	bool asks = addr.__sockaddr__ && addrlen;
	socklen_t room;
	ssize_t rc;

	FOUND(recvfrom);
	if (!(fdtable_armed(fd) & WATCHED_ADDRESS))
		return REAL(recvfrom)(fd, buf, len, flags, addr, addrlen);
	t.addressed = true;
	t.empty = len == 0;
	room = asks && policy.traits.stream_source && readable(addrlen, sizeof *addrlen) ? *addrlen : 0;
	if (recv_begin(&t)) {
		rc = t.rc;
		if (rc == 0 && asks) {
			*addrlen = 0;
			t.sock = track_unchecked(fd);
		}
	} else {
		if (t.limit && t.limit < len)
			len = t.limit;
		do
			rc = recv_is_piecewise(&t) ? recv_piece(&t, buf, len, flags, addr.__sockaddr__, addrlen) :
						     REAL(recvfrom)(t.source, buf, len, flags, addr, addrlen);
		while (recv_again(&t, rc));
		rc = recv_end(&t, rc);
	}
	if (rc >= 0 && asks && !recv_source(&t, addr.__sockaddr__, room, addrlen))
		rc = -1;
	transfer_over(&t);
	return rc;
}

SHIM ssize_t recvfrom(int fd, void *restrict buf, size_t len, int flags, __SOCKADDR_ARG addr,
		      socklen_t *restrict addrlen)
{
	if (LIKELY(!(fdtable_armed_near(fd) & WATCHED_ADDRESS)))
		return NEXT(recvfrom)(fd, buf, len, flags, addr, addrlen);
	return slow_recvfrom(fd, buf, len, flags, addr, addrlen);
}

SHIM ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t len, size_t size, int flags, __SOCKADDR_ARG addr,
			    socklen_t *restrict addrlen)
{
	if (__builtin_expect(len > size, 0))
		return REAL(__recvfrom_chk)(fd, buf, len, size, flags, addr, addrlen);
	return recvfrom(fd, buf, len, flags, addr, addrlen);
}

/* Descriptors that came with a message: no slot may keep what it held before. */
static void take_rights(struct msghdr *msg)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(msg); part; part = CMSG_NXTHDR(msg, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (part->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
			track_arrived(((int *)(void *)CMSG_DATA(part))[i]);
	}
}

SHIM ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct transfer t;
	ssize_t rc;

	if (!(fdtable_armed(fd) & WATCHED_ADDRESS)) {
		rc = REAL(recvmsg)(fd, msg, flags);
		if (rc >= 0 && msg->msg_controllen)
			take_rights(msg);
		return rc;
	}
	t = TRANSFER("recvmsg", fd, flags);
	t.addressed = true;
	if (recv_begin(&t)) {
		if (t.rc == 0)
			msg->msg_namelen = 0, msg->msg_controllen = 0, msg->msg_flags = 0;
		return t.rc;
	}
	rc = recv_end(&t, REAL(recvmsg)(t.source, msg, flags));
	if (rc >= 0 && msg->msg_name && recv_hides_source(&t))
		msg->msg_namelen = 0;
	transfer_over(&t);
	return rc;
}

SHIM int recvmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout)
{
	struct transfer t = TRANSFER("recvmmsg", fd, flags);
	int rc;

	if (!(fdtable_armed(fd) & WATCHED_ADDRESS)) {
		rc = REAL(recvmmsg)(fd, msgs, count, flags, timeout);
		for (int i = 0; i < rc; i++)
			if (msgs[i].msg_hdr.msg_controllen)
				take_rights(&msgs[i].msg_hdr);
		return rc;
	}
	t.addressed = true;
	if (recv_begin(&t))
		return (int)t.rc;
	rc = (int)recv_end(&t, REAL(recvmmsg)(t.source, msgs, count, flags, timeout));
	if (rc > 0 && recv_hides_source(&t))
		for (int i = 0; i < rc; i++)
			msgs[i].msg_hdr.msg_namelen = 0;
	transfer_over(&t);
	return rc;
}

SLOW __typeof__(read) slow_read;
static __typeof__(&read) next_read = slow_read;

SLOW ssize_t slow_read(int fd, void *buf, size_t len)
{
	struct transfer t = TRANSFER("read", fd, 0);
	ssize_t rc;

	FOUND(read);
	if (!(fdtable_armed(fd) & ARMED_RECV))
		return REAL(read)(fd, buf, len);
	t.empty = len == 0;
	if (recv_begin(&t))
		return t.rc;
	if (t.limit && t.limit < len)
		len = t.limit;
	do
		rc = recv_is_piecewise(&t) ? recv_piece(&t, buf, len, 0, NULL, NULL) : REAL(read)(t.source, buf, len);
	while (recv_again(&t, rc));
	return over(&t, rc);
}

SHIM ssize_t read(int fd, void *buf, size_t len)
{
	if (LIKELY(!(fdtable_armed_near(fd) & ARMED_RECV)))
		return NEXT(read)(fd, buf, len);
	return slow_read(fd, buf, len);
}
SHIM_TWIN(__read, read);

SHIM ssize_t __read_chk(int fd, void *buf, size_t len, size_t size)
{
	if (__builtin_expect(len > size, 0))
		return REAL(__read_chk)(fd, buf, len, size);
	return read(fd, buf, len);
}

SLOW __typeof__(readv) slow_readv;
static __typeof__(&readv) next_readv = slow_readv;

SLOW ssize_t slow_readv(int fd, const struct iovec *parts, int count)
{
	struct transfer t = TRANSFER("readv", fd, 0);

	FOUND(readv);
	if (!(fdtable_armed(fd) & ARMED_RECV))
		return REAL(readv)(fd, parts, count);
	if (recv_begin(&t))
		return t.rc;
	return over(&t, REAL(readv)(t.source, parts, count));
}

SHIM ssize_t readv(int fd, const struct iovec *parts, int count)
{
	if (LIKELY(!(fdtable_armed_near(fd) & ARMED_RECV)))
		return NEXT(readv)(fd, parts, count);
	return slow_readv(fd, parts, count);
}
