/* Asking the kernel whether memory of the program can be read, so that a bad
 * pointer gives EFAULT and never a crash of ours. */
#include "shim.h"

#include <signal.h>
#include <sys/syscall.h>

/* rt_sigprocmask copies the new mask in before it looks at `how`: with an
 * invalid one it changes nothing, and says EFAULT or EINVAL. */
static bool readable_word(uintptr_t address)
{
	int saved = errno;
	long rc = syscall(SYS_rt_sigprocmask, ~0, address, NULL, sizeof(uint64_t));
	bool good = rc == 0 || errno != EFAULT;

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
