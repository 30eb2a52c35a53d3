/* Waiting for one descriptor, not at all long, by the call of a name. */
#ifndef WAIT_H
#define WAIT_H

#include "probe.h"

#include <sys/epoll.h>
#include <sys/select.h>

MAYBE int wait_for(const char *call, int fd, bool reading)
{
	struct pollfd one = { fd, reading ? POLLIN : POLLOUT, 0 };
	struct epoll_event event = { .events = reading ? EPOLLIN : EPOLLOUT };
	struct timespec now = { 0, 0 };
	struct timeval at_once = { 0, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	if (is(call, "poll"))
		return poll(&one, 1, 0);
	if (is(call, "ppoll"))
		return ppoll(&one, 1, &now, NULL);
	if (is(call, "select"))
		return select(fd + 1, reading ? &set : NULL, reading ? NULL : &set, NULL, &at_once);
	if (is(call, "pselect"))
		return pselect(fd + 1, reading ? &set : NULL, reading ? NULL : &set, NULL, &now, NULL);
	return epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, fd, &event);
}

#endif
