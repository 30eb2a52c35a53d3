/* images WAY: a socket with a bind pending goes to another program that WAY, which
 * finds it bound. */
#include "host.h"

#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static char name[] = "images", number[] = "700";
static char *self, *arguments[] = { name, number, NULL };

static void spawned(bool search, bool renamed)
{
	posix_spawn_file_actions_t actions;
	pid_t child;

	posix_spawn_file_actions_init(&actions);
	if (renamed)
		posix_spawn_file_actions_adddup2(&actions, 701, 700);
	need((search ? posix_spawnp : posix_spawn)(&child, self, &actions, NULL, arguments, environ) == 0, "spawn");
	waitpid(child, NULL, 0);
}

static void forked(bool shares_memory, bool renamed)
{
	pid_t child = shares_memory ? vfork() : fork();

	if (child == 0) {
		if (renamed)
			dup2(701, 700);
		execv(self, arguments);
		_exit(1);
	}
	waitpid(child, NULL, 0);
}

static void commanded(bool pipe)
{
	char command[4096], line[64];
	FILE *file;

	snprintf(command, sizeof command, "'%s' 700", self);
	if (!pipe) {
		need(system(command) == 0, "system");
		return;
	}
	file = popen(command, "r");
	need(file && fgets(line, sizeof line, file), "popen");
	fputs(line, stdout);
	pclose(file);
}

static void replace(const char *way)
{
	if (is(way, "execve"))
		execve(self, arguments, environ);
	else if (is(way, "execv"))
		execv(self, arguments);
	else if (is(way, "execvp"))
		execvp(self, arguments);
	else if (is(way, "execvpe"))
		execvpe(self, arguments, environ);
	else if (is(way, "execl"))
		execl(self, arguments[0], arguments[1], (char *)NULL);
	else if (is(way, "execlp"))
		execlp(self, arguments[0], arguments[1], (char *)NULL);
	else if (is(way, "execle"))
		execle(self, arguments[0], arguments[1], (char *)NULL, environ);
	else if (is(way, "execveat"))
		execveat(AT_FDCWD, self, arguments, environ, 0);
	else if (is(way, "fexecve"))
		fexecve(open(self, O_RDONLY | O_CLOEXEC), arguments, environ);
	else
		need(false, way);
}

int main(int argc, char **argv)
{
	const char *way = argv[argc - 1];
	bool renamed = strstr(way, "renamed") != NULL;
	int fd;

	if (atoi(way) > 0)
		return printf("port %s\n", real_port(atoi(way)) ? "chosen" : "0"), 0;
	self = argv[0];
	fd = asked();
	need((renamed ? dup3(fd, 701, O_CLOEXEC) : dup2(fd, 700)) >= 0, "dup");
	close(fd);
	if (strncmp(way, "posix_spawn", 11) == 0)
		spawned(is(way, "posix_spawnp"), renamed);
	else if (strncmp(way, "fork", 4) == 0 || strncmp(way, "vfork", 5) == 0)
		forked(way[0] == 'v', renamed);
	else if (is(way, "system") || is(way, "popen"))
		commanded(is(way, "popen"));
	else
		replace(way);
}
