/* JYTHONSOCK_EVENTS: a line for each step in the life of a socket, so that a
 * report can show when the findings fell. */
#include "report.h"
#include "tally.h"

#include <arpa/inet.h>
#include <string.h>

enum { MOST = 20000 }; /* lines of a process */

bool events_wanted;

static void add_address(struct line *line, const char *name, const struct sockaddr_storage *addr)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	char text[80], *end = text + sizeof text, *at = text;
	bool six = addr->ss_family == AF_INET6;

	if (!six && addr->ss_family != AF_INET)
		return;
	at = text_copy(at, end, six ? "[" : "");
	if (!inet_ntop(addr->ss_family, six ? (const void *)&in6->sin6_addr : &in->sin_addr, at, (socklen_t)(end - at)))
		return;
	at += strlen(at);
	at = text_copy(at, end, six ? "]:" : ":");
	text_number(at, end, ntohs(six ? in6->sin6_port : in->sin_port));
	line_text(line, name, text, sizeof text);
}

static void add_names(struct line *line, int fd)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof addr;

	if (REAL(getsockname)(fd, (struct sockaddr *)&addr, &len) == 0)
		add_address(line, "address", &addr);
	len = sizeof addr;
	if (REAL(getpeername)(fd, (struct sockaddr *)&addr, &len) == 0)
		add_address(line, "peer", &addr);
}

void event_write(const char *call, int fd, const struct shadow *sock, int rc)
{
	int saved = errno;
	struct line line;

	if (!sock || !report_wanted() || atomic_fetch_add(&tally_process()->events, 1) >= MOST)
		return;
	line_begin(&line);
	line_text(&line, "event", call, 32);
	line_number(&line, "fd", fd);
	report_socket(&line, sock);
	if (rc < 0)
		line_text(&line, "errno", strerrorname_np(saved), 32);
	add_names(&line, fd);
	line_number(&line, "pid", getpid());
	line_time(&line, "time");
	report_write(&line);
	errno = saved;
}
