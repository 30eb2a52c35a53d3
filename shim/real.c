/* Lazy dlsym(RTLD_NEXT) for calls.def. */
#include "real.h"

#include <dlfcn.h>
#include <errno.h>

struct real real;

static const char *const names[CALLS] = {
#define CALL(name) #name,
#define TWIN(name, of)
#define FOREIGN(name)
#include "calls.def"
#undef CALL
#undef TWIN
#undef FOREIGN
};

_Static_assert(sizeof(struct real) == CALLS * sizeof(void *), "struct real is an array of function pointers");

static long missing(void)
{
	errno = ENOSYS;
	return -1;
}

void *real_resolve(enum call call)
{
	int saved = errno;
	void *found = dlsym(RTLD_NEXT, names[call]);

	if (!found)
		found = (void *)missing;
	__atomic_store_n((void **)&real + call, found, __ATOMIC_RELAXED);
	errno = saved;
	return found;
}
