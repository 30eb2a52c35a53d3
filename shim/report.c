/* Findings: one line of JSON each, appended by one write to the file of
 * JYTHONSOCK_REPORT, which is open only meanwhile.  No malloc, no stdio, no
 * lock; errno is kept. */
#include "shim.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

static char path[PATH_MAX]; /* written once at start; empty: no reports */

bool report_wanted(void)
{
	return path[0] != '\0';
}

/* Errors that mean the name is wrong, not that resources are short just now. */
static bool is_bad_name(int err)
{
	switch (err) {
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case EACCES:
	case EROFS:
	case ELOOP:
	case ENAMETOOLONG:
	case ENXIO:
		return true;
	default:
		return false;
	}
}

bool report_open(const char *name, char *reason, size_t size)
{
	size_t used = 0;
	int fd;

	if (name[0] != '/') { /* the program may change its directory */
		if (!getcwd(path, sizeof path - 1))
			path[0] = '\0';
		used = strlen(path);
		path[used++] = '/';
	}
	if (used + strlen(name) >= sizeof path) {
		path[0] = '\0';
		snprintf(reason, size, "the name has more than %d bytes", PATH_MAX - 1);
		return false;
	}
	memcpy(path + used, name, strlen(name) + 1);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0 && is_bad_name(errno)) {
		snprintf(reason, size, "cannot append to '%s': %s; give the name of a writable file", path, strerror(errno));
		return false;
	}
	if (fd >= 0)
		REAL(close)(fd);
	return true;
}

/* --- a line under construction ------------------------------------------- */

enum { LINE = 2048 }; /* below PIPE_BUF: one write is not torn */

struct line {
	size_t used;
	char text[LINE];
};

static void put(struct line *line, const char *text, size_t len)
{
	if (len > LINE - 2 - line->used)
		len = LINE - 2 - line->used;
	memcpy(line->text + line->used, text, len);
	line->used += len;
}

static void put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

static void put_number(struct line *line, long long number)
{
	unsigned long long rest = number < 0 ? -(unsigned long long)number : (unsigned long long)number;
	char digits[24];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + rest % 10);
	} while (rest /= 10);
	if (number < 0)
		digits[--at] = '-';
	put(line, digits + at, sizeof digits - at);
}

static void field(struct line *line, const char *name)
{
	put_text(line, line->used > 1 ? ",\"" : "\"");
	put_text(line, name);
	put_text(line, "\":");
}

static void field_number(struct line *line, const char *name, long long number)
{
	field(line, name);
	put_number(line, number);
}

static void field_text(struct line *line, const char *name, const char *text)
{
	field(line, name);
	put_text(line, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char escaped[] = { '\\', 'u', '0', '0', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15], 0 };

		if (c == '"' || c == '\\' || c < 0x20)
			put_text(line, escaped);
		else
			put(line, text, 1);
	}
	put_text(line, "\"");
}

static void line_begin(struct line *line)
{
	line->used = 0;
	put_text(line, "{");
}

static void line_write(struct line *line)
{
	int fd;

	put_text(line, "}");
	line->text[line->used++] = '\n';
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0)
		return;
	if (REAL(write)(fd, line->text, line->used) < 0)
		line->used = 0; /* a full disk must not disturb the program */
	REAL(close)(fd);
}

static const char *role_name(const struct shadow *sock)
{
	static const char *const names[] = {
		[UNMADE] = "unmade", [CLIENT] = "client", [LISTENER] = "listener",
		[DATAGRAM] = "made", [DEAD] = "dead",
	};

	return names[sock->role];
}

void report_finding(struct verdict v, const struct occasion *at)
{
	int saved = errno;
	struct line line;

	if (v.mode == OFF || !report_wanted())
		return;
	line_begin(&line);
	field_text(&line, "rule", rule_name(v.rule));
	field_text(&line, "mode", mode_name(v.mode));
	field_text(&line, "profile", profile_name(policy.profile));
	field_text(&line, "call", at->call);
	field_number(&line, "fd", at->fd);
	if (at->sock) {
		field_text(&line, "kind", at->sock->kind == TCP ? "tcp" : "udp");
		field_text(&line, "state", role_name(at->sock));
	}
	if (at->level >= 0) {
		field_number(&line, "level", at->level);
		field_number(&line, "option", at->option);
	}
	if (v.rc < 0)
		field_text(&line, "errno", strerrorname_np(v.err) ? strerrorname_np(v.err) : "ESOCKISBLOCKING");
	field_text(&line, "jython", rule_text(v.rule));
	field_number(&line, "pid", getpid());
	field_number(&line, "tid", syscall(SYS_gettid));
	line_write(&line);
	errno = saved;
}

void report_note(const char *subject, const char *text)
{
	int saved = errno;
	struct line line;

	if (!report_wanted())
		return;
	line_begin(&line);
	field_text(&line, "note", subject);
	field_text(&line, "text", text);
	field_number(&line, "pid", getpid());
	line_write(&line);
	errno = saved;
}

bool settled(struct verdict v, const struct occasion *at, int *rc)
{
	if (v.mode == OFF)
		return false;
	report_finding(v, at);
	if (v.mode == REPORT)
		return false;
	*rc = v.rc;
	if (v.rc < 0)
		errno = v.err;
	return true;
}

int mapped(struct verdict v, const struct occasion *at, int err)
{
	report_finding(v, at);
	return v.mode == ENFORCE ? v.err : err;
}
