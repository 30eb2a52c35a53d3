/* Libraries that come later.  A library opened with RTLD_DEEPBIND would look in
 * itself and in its own dependencies, libc among them, before it looks here. */
#include "openssl.h"
#include "shim.h"

/* libc finds the caller by its return address, to search the caller's RUNPATH and
 * namespace: the real function must be jumped to, not called. */
#if defined __clang__
#define JUMP __attribute__((musttail)) return
#define JUMPS __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define JUMP return
#define JUMPS __attribute__((optimize("O2"), no_sanitize_address, no_sanitize_thread, no_sanitize_undefined))
#endif

JUMPS SHIM void *dlopen(const char *file, int flags)
{
	JUMP REAL(dlopen)(file, flags & ~RTLD_DEEPBIND);
}

static void note_other_namespace(Lmid_t namespace)
{
	if (namespace == LM_ID_BASE)
		return;
	start_once();
	report_note("out-of-reach", "a library was loaded with dlmopen: what it does with sockets and TLS is not seen");
}

JUMPS SHIM void *dlmopen(Lmid_t namespace, const char *file, int flags)
{
	note_other_namespace(namespace);
	JUMP REAL(dlmopen)(namespace, file, flags & ~RTLD_DEEPBIND);
}

/* What is known by an address may mean another library from now on. */
SHIM int dlclose(void *handle)
{
	int rc = REAL(dlclose)(handle);

	openssl_forget_sites();
	return rc;
}
