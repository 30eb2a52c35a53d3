/* Asking the kernel whether memory of the program can be read, so that a bad
 * pointer gives EFAULT and never a crash of ours. */
#include "shim.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

/* valgrind would complain of the memory that rt_sigprocmask reads and nobody has
 * written; process_vm_readv it leaves alone, but a seccomp filter may not. */
static bool watched_by_valgrind;

void memory_start(void)
{
	const char *preloads = secure_getenv("LD_PRELOAD");

	watched_by_valgrind = preloads && strstr(preloads, "/vgpreload_");
}

static bool readable_copy(uintptr_t address)
{
	uint64_t word;
	struct iovec here = { &word, sizeof word }, there = { (void *)address, sizeof word };

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) >= 0 || errno != EFAULT;
}

/* rt_sigprocmask copies the new mask in before it looks at `how`: with an
 * invalid one it changes nothing, and says EFAULT or EINVAL. */
static bool readable_mask(uintptr_t address)
{
	return syscall(SYS_rt_sigprocmask, ~0, address, NULL, sizeof(uint64_t)) == 0 || errno != EFAULT;
}

static bool readable_word(uintptr_t address)
{
	int saved = errno;
	bool good = watched_by_valgrind ? readable_copy(address) : readable_mask(address);

	errno = saved;
	return good;
}

bool readable(const void *memory, size_t len)
{
	const uintptr_t page = 4096, word = sizeof(uint64_t);
	uintptr_t first = (uintptr_t)memory & ~(word - 1), last = ((uintptr_t)memory + len - 1) & ~(word - 1);

	if (len == 0)
		return true;
	if (!memory || last < first)
		return false;
	for (uintptr_t at = first; at < last; at = (at & ~(page - 1)) + page)
		if (!readable_word(at))
			return false;
	return readable_word(last);
}
