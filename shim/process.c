/* What the report says of a process before anything else: that the shim is in it,
 * under which settings, and what it does not reach there. */
#include "library.h"
#include "report.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>

#ifndef JYTHONSOCK_VERSION
#define JYTHONSOCK_VERSION "unknown"
#endif

static void add_exe(struct line *line)
{
	char name[1024];
	ssize_t len = readlink("/proc/self/exe", name, sizeof name - 1);

	if (len <= 0)
		return;
	name[len] = '\0';
	line_text(line, "process", name, sizeof name);
}

static void add_cwd(struct line *line)
{
	char name[1024];

	if (getcwd(name, sizeof name))
		line_text(line, "cwd", name, sizeof name);
}

/* The arguments as they are now; some programs write over them later. */
static void add_argv(struct line *line)
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t len;

	if (fd < 0)
		return;
	len = REAL(read)(fd, text, sizeof text - 1);
	REAL(close)(fd);
	if (len <= 0 || !line_list(line, "argv"))
		return;
	text[len] = '\0';
	for (char *at = text; at < text + len; at += strlen(at) + 1)
		if (!line_item(line, at, 256))
			break;
	line_list_end(line);
}

static void add_rules(struct line *line, const char *name, enum mode mode)
{
	if (!line_list(line, name))
		return;
	for (int rule = 0; rule < RULES; rule++)
		if (rule_mode((enum rule)rule) == mode)
			line_item(line, rule_name((enum rule)rule), 64);
	line_list_end(line);
}

/* Where is SSL_connect?  A program may have its own, before ours.  "none" may
 * change: a module can load libssl later. */
static void add_openssl(struct line *line)
{
	void *found = dlsym(RTLD_DEFAULT, "SSL_connect");
	Dl_info info;

	if (found && library_of(found) == library_of((void *)add_openssl))
		found = dlsym(RTLD_NEXT, "SSL_connect");
	if (!found || !dladdr(found, &info) || !info.dli_fname)
		line_text(line, "openssl", "none yet", 16);
	else if (strstr(info.dli_fname, "libssl"))
		line_text(line, "openssl", info.dli_fname, 256);
	else
		line_text(line, "openssl", "static: the TLS rules do not reach it", 64);
}

void process_line(struct line *line)
{
	line_begin(line);
	add_exe(line);
	line_number(line, "pid", getpid());
	line_number(line, "ppid", getppid());
	line_text(line, "version", JYTHONSOCK_VERSION, 32);
	line_text(line, "profile", profile_name(policy.profile), 16);
	line_time(line, "time");
	add_openssl(line);
	add_cwd(line);
	add_argv(line);
	add_rules(line, "enforced", ENFORCE);
	add_rules(line, "reported", REPORT);
}
