/* The next function in line for every interposed name, typed by libc's own
 * headers.  Inside shim/ an interposed name is called as REAL(name)(...) only. */
#ifndef REAL_H
#define REAL_H

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* The fortified twins, declared by libc only in fortified programs. */
ssize_t __recv_chk(int fd, void *buf, size_t len, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t len, size_t size, int flags,
		       __SOCKADDR_ARG addr, socklen_t *restrict addrlen);
ssize_t __read_chk(int fd, void *buf, size_t len, size_t size);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		const sigset_t *mask, size_t size);

struct real {
#define CALL(name) __typeof__(&name) name;
#define TWIN(name, of)
#define FOREIGN(name)
#include "calls.def"
#undef CALL
#undef TWIN
#undef FOREIGN
};

enum call {
#define CALL(name) CALL_##name,
#define TWIN(name, of)
#define FOREIGN(name)
#include "calls.def"
#undef CALL
#undef TWIN
#undef FOREIGN
	CALLS
};

/* NULL until first used, then constant; any thread may write the same value. */
extern struct real real;

/* Find and keep the real function; where libc has none (an older one, say),
 * a function that fails with ENOSYS.  errno is kept. */
void *real_resolve(enum call call);

#define REAL(name) ({                                                            \
	__typeof__(real.name) found_ = __atomic_load_n(&real.name, __ATOMIC_RELAXED); \
	__builtin_expect(found_ != NULL, 1) ? found_ :                           \
		(__typeof__(real.name))real_resolve(CALL_##name); })

#endif
