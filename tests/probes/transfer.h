/* One byte sent or received by the call of a name. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "probe.h"

#include <sys/sendfile.h>

/* One byte waiting in a pipe. */
MAYBE int filled_pipe(void)
{
	int ends[2];

	need(pipe(ends) == 0 && syscall(SYS_write, ends[1], "x", 1) == 1, "fill a pipe");
	return ends[0];
}

MAYBE long transfer(int fd, const char *call)
{
	static char byte[1] = "x";
	static struct iovec part = { byte, 1 };
	static struct mmsghdr one = { .msg_hdr = { .msg_iov = &part, .msg_iovlen = 1 } };

	if (is(call, "send"))
		return send(fd, byte, 1, 0);
	if (is(call, "sendto"))
		return sendto(fd, byte, 1, 0, NULL, 0);
	if (is(call, "sendmsg"))
		return sendmsg(fd, &one.msg_hdr, 0);
	if (is(call, "sendmmsg"))
		return sendmmsg(fd, &one, 1, 0);
	if (is(call, "write"))
		return write(fd, byte, 1);
	if (is(call, "writev"))
		return writev(fd, &part, 1);
	if (is(call, "sendfile"))
		return sendfile(fd, open("/proc/self/exe", O_RDONLY), NULL, 1);
	if (is(call, "splice"))
		return splice(filled_pipe(), NULL, fd, NULL, 1, 0);
	if (is(call, "recv"))
		return recv(fd, byte, 1, 0);
	if (is(call, "recvfrom"))
		return recvfrom(fd, byte, 1, 0, NULL, NULL);
	if (is(call, "recvmsg"))
		return recvmsg(fd, &one.msg_hdr, 0);
	if (is(call, "recvmmsg"))
		return recvmmsg(fd, &one, 1, 0, NULL);
	if (is(call, "read"))
		return read(fd, byte, 1);
	if (is(call, "readv"))
		return readv(fd, &part, 1);
	need(false, call);
	return -1;
}

#endif
