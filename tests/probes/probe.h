/* What every probe needs: loopback sockets, and results as words.  The helpers
 * use nothing that a rule changes. */
#ifndef PROBE_H
#define PROBE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAYBE __attribute__((unused)) static

typedef struct sockaddr_in address;

/* A result for print: the number, or the name of errno. */
MAYBE const char *outcome(long rc)
{
	static char texts[8][24];
	static unsigned turn;
	char *text = texts[turn++ % 8];

	if (rc < 0 && strerrorname_np(errno))
		return strerrorname_np(errno);
	snprintf(text, sizeof texts[0], "%ld", rc < 0 ? errno : rc);
	return text;
}

/* Trouble that is not the probe's subject. */
MAYBE void need(bool good, const char *what)
{
	if (good)
		return;
	printf("cannot %s: %s\n", what, strerrorname_np(errno));
	exit(1);
}

MAYBE bool is(const char *word, const char *other)
{
	return strcmp(word ? word : "", other) == 0;
}

MAYBE address loopback(int port)
{
	return (address){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
			  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

MAYBE int socket_of(int type)
{
	int fd = socket(AF_INET, type, 0);

	need(fd >= 0, "socket");
	return fd;
}

MAYBE int connect_to(int fd, address to)
{
	return connect(fd, (struct sockaddr *)&to, sizeof to);
}

MAYBE int bind_to(int fd, address name)
{
	return bind(fd, (struct sockaddr *)&name, sizeof name);
}

/* The kernel's answer, whatever the library would say. */
MAYBE int real_port(int fd)
{
	address name = { 0 };
	socklen_t len = sizeof name;

	need(syscall(SYS_getsockname, fd, &name, &len) == 0, "getsockname");
	return ntohs(name.sin_port);
}

/* Listens on a port that the kernel chose. */
MAYBE int listener(int backlog)
{
	int fd = socket_of(SOCK_STREAM);

	need(listen(fd, backlog) == 0, "listen");
	return fd;
}

/* A TCP port of loopback where nobody listens: the socket that has it stays open. */
MAYBE address refusing(void)
{
	int fd = socket_of(SOCK_STREAM);
	address name = loopback(0);

	need(syscall(SYS_bind, fd, &name, sizeof name) == 0, "bind");
	return loopback(real_port(fd));
}

/* ends[0] has connected, ends[1] was accepted. */
MAYBE void connection(int ends[2])
{
	int server = listener(8);

	ends[0] = socket_of(SOCK_STREAM);
	need(connect_to(ends[0], loopback(real_port(server))) == 0, "connect");
	ends[1] = accept(server, NULL, NULL);
	need(ends[1] >= 0, "accept");
}

/* A UDP socket bound to a port that the kernel chose. */
MAYBE int udp_bound(void)
{
	int fd = socket_of(SOCK_DGRAM);

	need(bind_to(fd, loopback(0)) == 0, "bind");
	return fd;
}

MAYBE void nonblocking(int fd)
{
	need(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
}

MAYBE void timeout(int fd, int option, long seconds, long microseconds)
{
	struct timeval value = { seconds, microseconds };

	need(setsockopt(fd, SOL_SOCKET, option, &value, sizeof value) == 0, "set a timeout");
}

/* End the connection of the other end with a reset. */
MAYBE void reset(int fd)
{
	struct linger now = { 1, 0 };

	need(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0, "linger");
	close(fd);
}

MAYBE volatile sig_atomic_t signals;

MAYBE void count_signal(int number)
{
	(void)number;
	signals++;
}

MAYBE void watch(int number)
{
	struct sigaction action = { .sa_handler = count_signal };

	sigaction(number, &action, NULL);
}

/* What would wait for ever ends with EINTR. */
MAYBE void interrupt_soon(void)
{
	struct itimerval soon = { .it_value = { 0, 150000 }, .it_interval = { 0, 150000 } };

	watch(SIGALRM);
	setitimer(ITIMER_REAL, &soon, NULL);
}

#endif
