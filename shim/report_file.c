/* The report file: opened for each line and closed again, never in the program's
 * way.  No malloc, no stdio, no lock. */
#include "report.h"
#include "only.h"
#include "tally.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char path[PATH_MAX]; /* written once at start, %p still in it; empty: no reports */
static _Atomic bool torn;   /* a line was cut short: begin the next with a new one */

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
	case EPERM:
	case EROFS:
	case ELOOP:
	case ENAMETOOLONG:
	case ENXIO:
		return true;
	default:
		return false;
	}
}

/* Lines of a process id and its file name; emptied in a fork child. */
static const char *expanded_path(void)
{
	struct tally_process *process = tally_process();
	const char *from = path;
	char *at = process->path, *end = at + sizeof process->path;
	int state = 0;

	if (!strstr(path, "%p"))
		return path;
	if (atomic_compare_exchange_strong(&process->path_state, &state, 1)) {
		for (; *from; from++) {
			char one[] = { *from, '\0' };

			if (from[0] == '%' && from[1] == 'p') {
				at = text_number(at, end, getpid());
				from++;
			} else {
				at = text_copy(at, end, one);
			}
		}
		atomic_store(&process->path_state, 2);
	}
	for (int patience = 1000; atomic_load(&process->path_state) != 2; patience--) {
		if (patience == 0)
			return NULL;
		sched_yield();
	}
	return process->path;
}

/* Never through a terminal that is stopped, never to descriptors 0-2, which the
 * program may have closed. */
static int open_report(int more)
{
	const char *name = expanded_path();
	int fd, high;

	fd = name ? open(name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | more, 0666) : -1;
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	high = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	REAL(close)(fd);
	return high;
}

/* A write past RLIMIT_FSIZE would be answered with a signal. */
static bool may_grow(int fd, size_t len)
{
	struct rlimit limit;
	struct stat file;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return true;
	return fstat(fd, &file) == 0 && (!S_ISREG(file.st_mode) || (rlim_t)file.st_size + len < limit.rlim_cur);
}

static bool append(int fd, const char *text, size_t len)
{
	ssize_t done;

	if (!may_grow(fd, len + 1))
		return false;
	if (atomic_load(&torn) && REAL(write)(fd, "\n", 1) == 1)
		atomic_store(&torn, false);
	done = REAL(write)(fd, text, len);
	if (done > 0 && (size_t)done < len) /* a full disk */
		atomic_store(&torn, REAL(write)(fd, "\n", 1) != 1);
	return done == (ssize_t)len;
}

/* O_CREAT only for the first line of a process: in a changed root no file is to
 * appear. */
static bool write_line(struct line *line, int more)
{
	int fd;
	bool whole;

	line_end(line);
	fd = open_report(more);
	if (fd < 0)
		return false;
	whole = append(fd, line->text, line->used);
	REAL(close)(fd);
	return whole;
}

static void introduce(void)
{
	struct line line;

	if (atomic_exchange(&tally_process()->introduced, 1))
		return;
	process_line(&line);
	write_line(&line, O_CREAT);
}

/* open, write and close would act upon a pending cancellation, where the program's own
 * call would not. */
void report_process(void)
{
	int state;

	if (!report_wanted())
		return;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	introduce();
	pthread_setcancelstate(state, &state);
}

bool report_write(struct line *line)
{
	int state;
	bool whole;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	introduce();
	whole = write_line(line, 0);
	pthread_setcancelstate(state, &state);
	return whole;
}

bool report_open(const char *name, char *reason, size_t size)
{
	size_t used = 0;
	struct stat file;
	int fd;

	if (name[0] != '/') { /* the program may change its directory */
		if (!getcwd(path, sizeof path - 1))
			path[0] = '\0';
		used = strlen(path);
		path[used++] = '/';
	}
	if (used + strlen(name) + 24 >= sizeof path) {
		path[0] = '\0';
		snprintf(reason, size, "the name has more than %d bytes", PATH_MAX - 25);
		return false;
	}
	memcpy(path + used, name, strlen(name) + 1);
	tally_prepare();
	site_prepare();
	report_prepare_end();
	fd = open_report(O_CREAT);
	if (fd < 0 && is_bad_name(errno)) {
		snprintf(reason, size, "cannot append to '%s': %s; give the name of a writable file", path, strerror(errno));
		return false;
	}
	if (fd >= 0 && fstat(fd, &file) == 0 && (S_ISFIFO(file.st_mode) || S_ISSOCK(file.st_mode))) {
		snprintf(reason, size, "'%s' is a pipe; give the name of a file", path);
		return false;
	}
	if (fd >= 0)
		REAL(close)(fd);
	return true;
}
