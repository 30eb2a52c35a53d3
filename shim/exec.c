/* Another program image or process takes over: binds that are only remembered
 * here would be lost to it, and so would counts. */
#include "shim.h"

#include <stdarg.h>

extern char **environ;

#define FLUSH(call) pending_flush(call, false, __builtin_return_address(0))

/* This image may be over. */
#define LEAVE(call) (FLUSH(call), report_counts("exec"))

/* File actions may hand on what is marked close-on-exec. */
#define FLUSH_FOR(call, actions) pending_flush(call, (actions) != NULL, __builtin_return_address(0))

SHIM int execve(const char *path, char *const argv[], char *const envp[])
{
	LEAVE("execve");
	return REAL(execve)(path, argv, envp);
}

SHIM int execv(const char *path, char *const argv[])
{
	LEAVE("execv");
	return REAL(execv)(path, argv);
}

SHIM int execvp(const char *file, char *const argv[])
{
	LEAVE("execvp");
	return REAL(execvp)(file, argv);
}

SHIM int execvpe(const char *file, char *const argv[], char *const envp[])
{
	LEAVE("execvpe");
	return REAL(execvpe)(file, argv, envp);
}

SHIM int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	LEAVE("execveat");
	return REAL(execveat)(dirfd, path, argv, envp, flags);
}

SHIM int fexecve(int fd, char *const argv[], char *const envp[])
{
	LEAVE("fexecve");
	return REAL(fexecve)(fd, argv, envp);
}

/* The list forms: count, then copy the arguments into an array on the stack, as
 * libc's own do. */
static size_t count_arguments(va_list list)
{
	size_t count = 1;

	while (va_arg(list, char *)) /* NOLINT(clang-analyzer-valist.Uninitialized): the caller started it */
		count++;
	return count;
}

#define COLLECT(first)                                               \
	va_list list;                                                \
	size_t count;                                                \
	va_start(list, first);                                       \
	count = count_arguments(list);                               \
	va_end(list);                                                \
	char **argv = __builtin_alloca((count + 1) * sizeof *argv);  \
	va_start(list, first);                                       \
	argv[0] = (char *)(uintptr_t)(first);                        \
	for (size_t i = 1; i <= count; i++)                          \
		argv[i] = va_arg(list, char *)

SHIM int execl(const char *path, const char *arg, ...)
{
	COLLECT(arg);
	va_end(list);
	LEAVE("execl");
	return REAL(execve)(path, argv, environ);
}

SHIM int execlp(const char *file, const char *arg, ...)
{
	COLLECT(arg);
	va_end(list);
	LEAVE("execlp");
	return REAL(execvp)(file, argv);
}

SHIM int execle(const char *path, const char *arg, ...)
{
	COLLECT(arg);
	char *const *envp = va_arg(list, char *const *);

	va_end(list);
	LEAVE("execle");
	return REAL(execve)(path, argv, envp);
}

SHIM int posix_spawn(pid_t *restrict pid, const char *restrict path, const posix_spawn_file_actions_t *restrict actions,
		     const posix_spawnattr_t *restrict attributes, char *const argv[restrict], char *const envp[restrict])
{
	FLUSH_FOR("posix_spawn", actions);
	return REAL(posix_spawn)(pid, path, actions, attributes, argv, envp);
}

SHIM int posix_spawnp(pid_t *restrict pid, const char *restrict file,
		      const posix_spawn_file_actions_t *restrict actions,
		      const posix_spawnattr_t *restrict attributes, char *const argv[restrict], char *const envp[restrict])
{
	FLUSH_FOR("posix_spawnp", actions);
	return REAL(posix_spawnp)(pid, file, actions, attributes, argv, envp);
}

SHIM int system(const char *command)
{
	FLUSH("system");
	return REAL(system)(command);
}

SHIM FILE *popen(const char *command, const char *mode)
{
	FLUSH("popen");
	return REAL(popen)(command, mode);
}
