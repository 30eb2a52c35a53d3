/* A datagram read piece by piece, as Netty's buffers are: what one receive leaves, the
 * next one takes.  The datagram stays in the kernel until its last byte is told. */
#include "io.h"

bool recv_is_piecewise(const struct transfer *t)
{
	return t->sock && t->sock->kind == UDP && policy.traits.datagram_rest_kept && !(t->flags & MSG_PEEK);
}

ssize_t recv_piece(struct transfer *t, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen)
{
	static char told[65536]; /* written by every thread, read by none */
	size_t before = t->sock->left, rest;
	struct iovec parts[] = { { told, before < sizeof told ? before : sizeof told }, { buf, len } };
	struct msghdr msg = { .msg_name = addr, .msg_namelen = addr && addrlen ? *addrlen : 0,
			      .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t rc = REAL(recvmsg)(t->at.fd, &msg, flags | MSG_PEEK | MSG_TRUNC);
	int saved = errno;

	if (rc < 0)
		return rc;
	rest = (size_t)rc > before ? (size_t)rc - before : 0;
	if (addr && addrlen)
		*addrlen = msg.msg_namelen;
	if (len < rest) {
		t->sock->left = (uint32_t)(before + len);
		return (ssize_t)len;
	}
	t->sock->left = 0;
	REAL(recv)(t->at.fd, told, 0, MSG_DONTWAIT);
	errno = saved;
	return (ssize_t)rest;
}
