/* recv, recvfrom, recvmsg, recvmmsg, read, readv and their fortified twins: the
 * data path of receives, by hand. */
#include "io.h"

#include <time.h>

enum { WATCHED = ARMED_RECV | ARMED_FLAGS, WATCHED_ADDRESS = ARMED_RECVFROM | ARMED_FLAGS };

#define LIKELY(condition) __builtin_expect(!!(condition), 1)

static ssize_t over(struct transfer *t, ssize_t rc)
{
	rc = recv_end(t, rc);
	transfer_over(t);
	return rc;
}

__attribute__((noinline)) static ssize_t recv_armed(struct transfer *t, void *buf, size_t len)
{
	if (recv_begin(t))
		return -1;
	return over(t, REAL(recv)(t->at.fd, buf, len, t->flags));
}

SHIM ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	struct transfer t;

	if (LIKELY(!(fdtable_armed(fd) & WATCHED)))
		return REAL(recv)(fd, buf, len, flags);
	t = TRANSFER("recv", fd, flags);
	return recv_armed(&t, buf, len);
}

/* A length beyond the buffer is the real twin's to abort on. */
SHIM ssize_t __recv_chk(int fd, void *buf, size_t len, size_t size, int flags)
{
	struct transfer t;

	if (LIKELY(!(fdtable_armed(fd) & WATCHED)) || len > size)
		return REAL(__recv_chk)(fd, buf, len, size, flags);
	t = TRANSFER("recv", fd, flags);
	return recv_armed(&t, buf, len);
}

__attribute__((noinline)) static ssize_t recvfrom_armed(struct transfer *t, void *buf, size_t len,
							 __SOCKADDR_ARG addr, socklen_t *addrlen)
{
	ssize_t rc;

	t->addressed = true;
	if (recv_begin(t))
		return -1;
	rc = recv_end(t, REAL(recvfrom)(t->at.fd, buf, len, t->flags, addr, addrlen));
	if (rc >= 0 && addr.__sockaddr__ && addrlen && recv_hides_source(t))
		*addrlen = 0;
	transfer_over(t);
	return rc;
}

SHIM ssize_t recvfrom(int fd, void *restrict buf, size_t len, int flags, __SOCKADDR_ARG addr,
		      socklen_t *restrict addrlen)
{
	struct transfer t;

	if (LIKELY(!(fdtable_armed(fd) & WATCHED_ADDRESS)))
		return REAL(recvfrom)(fd, buf, len, flags, addr, addrlen);
	t = TRANSFER("recvfrom", fd, flags);
	return recvfrom_armed(&t, buf, len, addr, addrlen);
}

SHIM ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t len, size_t size, int flags, __SOCKADDR_ARG addr,
			    socklen_t *restrict addrlen)
{
	struct transfer t;

	if (LIKELY(!(fdtable_armed(fd) & WATCHED_ADDRESS)) || len > size)
		return REAL(__recvfrom_chk)(fd, buf, len, size, flags, addr, addrlen);
	t = TRANSFER("recvfrom", fd, flags);
	return recvfrom_armed(&t, buf, len, addr, addrlen);
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

	if (LIKELY(!(fdtable_armed(fd) & WATCHED_ADDRESS))) {
		rc = REAL(recvmsg)(fd, msg, flags);
		if (rc >= 0 && msg->msg_controllen)
			take_rights(msg);
		return rc;
	}
	t = TRANSFER("recvmsg", fd, flags);
	t.addressed = true;
	if (recv_begin(&t))
		return -1;
	rc = recv_end(&t, REAL(recvmsg)(fd, msg, flags));
	if (rc >= 0 && msg->msg_name && recv_hides_source(&t))
		msg->msg_namelen = 0;
	transfer_over(&t);
	return rc;
}

SHIM int recvmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout)
{
	struct transfer t = TRANSFER("recvmmsg", fd, flags);
	int rc;

	if (LIKELY(!(fdtable_armed(fd) & WATCHED_ADDRESS))) {
		rc = REAL(recvmmsg)(fd, msgs, count, flags, timeout);
		for (int i = 0; i < rc; i++)
			if (msgs[i].msg_hdr.msg_controllen)
				take_rights(&msgs[i].msg_hdr);
		return rc;
	}
	t.addressed = true;
	if (recv_begin(&t))
		return -1;
	rc = (int)recv_end(&t, REAL(recvmmsg)(fd, msgs, count, flags, timeout));
	if (rc > 0 && recv_hides_source(&t))
		for (int i = 0; i < rc; i++)
			msgs[i].msg_hdr.msg_namelen = 0;
	transfer_over(&t);
	return rc;
}

__attribute__((noinline)) static ssize_t read_armed(struct transfer *t, void *buf, size_t len)
{
	if (recv_begin(t))
		return -1;
	return over(t, REAL(read)(t->at.fd, buf, len));
}

SHIM ssize_t read(int fd, void *buf, size_t len)
{
	struct transfer t;

	if (LIKELY(!(fdtable_armed(fd) & ARMED_RECV)))
		return REAL(read)(fd, buf, len);
	t = TRANSFER("read", fd, 0);
	return read_armed(&t, buf, len);
}
SHIM_TWIN(__read, read);

SHIM ssize_t __read_chk(int fd, void *buf, size_t len, size_t size)
{
	struct transfer t;

	if (LIKELY(!(fdtable_armed(fd) & ARMED_RECV)) || len > size)
		return REAL(__read_chk)(fd, buf, len, size);
	t = TRANSFER("read", fd, 0);
	return read_armed(&t, buf, len);
}

SHIM ssize_t readv(int fd, const struct iovec *parts, int count)
{
	struct transfer t;

	if (LIKELY(!(fdtable_armed(fd) & ARMED_RECV)))
		return REAL(readv)(fd, parts, count);
	t = TRANSFER("readv", fd, 0);
	if (recv_begin(&t))
		return -1;
	return over(&t, REAL(readv)(fd, parts, count));
}
