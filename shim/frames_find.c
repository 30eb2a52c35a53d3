/* Finding CPython, and telling whether a call may be put down to a frame of it.
 * Nothing is linked: what is not there is not used.
 *
 * Python's lock (the GIL) is taken only in calls of CPython's own modules, which
 * hold no other lock there, and only in calls that it never makes from a signal
 * handler or a fork child; where the thread has it already, nothing is taken. */
#include "frames.h"
#include "frames_api.h"

#include <dlfcn.h>
#include <string.h>

struct frames_needed frames_py;
struct frames_optional frames_some;

static const char *const api[] = {
	"Py_IsInitialized", "PyGILState_Ensure", "PyGILState_Release", "PyGILState_GetThisThreadState",
	"PyInterpreterState_Head", "PyInterpreterState_Next", "PyEval_GetFrame", "PyFrame_GetLineNumber",
	"PyObject_GetAttrString", "PyImport_GetModuleDict", "PyDict_GetItemString", "PyErr_Fetch", "PyErr_Restore",
	"Py_IncRef", "Py_DecRef", "_Py_NoneStruct",
};
_Static_assert(sizeof frames_py == sizeof api, "one name for each symbol of CPython");

static const char *const some_api[] = {
	"_PyThreadState_Current", "_PyThreadState_UncheckedGet", "PyThreadState_GetUnchecked", "Py_IsFinalizing", "_Py_IsFinalizing", "PyFrame_GetCode",
	"PyFrame_GetBack", "PyFrame_GetLasti", "PyUnicode_AsUTF8", "PyString_AsString",
};
_Static_assert(sizeof frames_some == sizeof some_api, "one name for each symbol of CPython");

_Atomic bool frames_found; /* written once, when both structs are whole */

void frames_find(void)
{
	static _Atomic bool busy;

	if (atomic_load(&frames_found) || !dlsym(RTLD_DEFAULT, "PyEval_GetFrame") || atomic_exchange(&busy, true))
		return;
	for (size_t i = 0; i < sizeof some_api / sizeof *some_api; i++)
		((void **)&frames_some)[i] = dlsym(RTLD_DEFAULT, some_api[i]);
	for (size_t i = 0; i < sizeof api / sizeof *api; i++)
		if (!(((void **)&frames_py)[i] = dlsym(RTLD_DEFAULT, api[i])))
			return;
	if (!frames_some._PyThreadState_UncheckedGet)
		frames_some._PyThreadState_UncheckedGet = frames_some.PyThreadState_GetUnchecked;
	if ((frames_some.PyUnicode_AsUTF8 || frames_some.PyString_AsString) &&
	    (frames_some._PyThreadState_UncheckedGet || frames_some._PyThreadState_Current))
		atomic_store_explicit(&frames_found, true, memory_order_release);
}

/* --- may we? ------------------------------------------------------------- */

/* Calls that may come from a signal handler, from a fork child, or while a lock
 * of CPython's is held. */
static bool is_delicate_name(const char *call)
{
	static const char *const names[] = { "write", "writev", "dup", "dup2", "dup3", "fcntl", "fcntl64", "close",
					     "execve", "execv", "execvp", "execvpe", "execveat", "fexecve", "execl",
					     "execlp", "execle", "posix_spawn", "posix_spawnp", "system", "popen", "start" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(call, names[i]) == 0)
			return true;
	return false;
}

/* The names are literals, so that an answer can be kept by address. */
static bool is_delicate(const char *call)
{
	static _Atomic uintptr_t known[64]; /* address and answer */
	_Atomic uintptr_t *slot = &known[(uintptr_t)call % (sizeof known / sizeof *known)];
	uintptr_t cached = atomic_load_explicit(slot, memory_order_relaxed);
	bool delicate;

	if (cached >> 1 == (uintptr_t)call)
		return cached & 1;
	delicate = is_delicate_name(call);
	atomic_store_explicit(slot, (uintptr_t)call << 1 | delicate, memory_order_relaxed);
	return delicate;
}

static bool is_finalizing(void)
{
	return frames_some.Py_IsFinalizing ? frames_some.Py_IsFinalizing() : frames_some._Py_IsFinalizing ? frames_some._Py_IsFinalizing() : 0;
}

/* PyGILState_* know one interpreter only. */
static bool is_only_interpreter(void)
{
	void *head = frames_py.PyInterpreterState_Head();

	return head && !frames_py.PyInterpreterState_Next(head);
}

static bool is_pythons_own(const void *site)
{
	static _Atomic uintptr_t known[64]; /* address, and in the lowest bits of the next one what it is */
	uintptr_t address = (uintptr_t)site;
	_Atomic uintptr_t *slot = &known[(address >> 1) % (sizeof known / sizeof *known)];
	uintptr_t cached = atomic_load(slot);
	Dl_info caller, python;
	const char *base;
	bool own;

	if (cached >> 1 == (address & (UINTPTR_MAX >> 1)))
		return cached & 1;
	if (!dladdr(site, &caller) || !dladdr((void *)frames_py.PyEval_GetFrame, &python))
		return false;
	base = caller.dli_fname ? strrchr(caller.dli_fname, '/') : NULL;
	own = caller.dli_fbase == python.dli_fbase ||
	      (base && (strncmp(base, "/_socket", 8) == 0 || strncmp(base, "/select", 7) == 0 || strncmp(base, "/_ssl", 5) == 0));
	atomic_store(slot, address << 1 | own);
	return own;
}

/* The thread that Python's lock belongs to just now. */
static void *current_thread(void)
{
	return frames_some._PyThreadState_UncheckedGet ? frames_some._PyThreadState_UncheckedGet() : *frames_some._PyThreadState_Current;
}

_Atomic(const void *) frames_held[FRAMES_KNOWN], frames_released[FRAMES_KNOWN];

bool frames_locked(const struct occasion *at)
{
	_Atomic(const void *) *places;
	void *thread;

	if (frames_is_known(frames_held, at->site))
		return true;
	if (frames_is_known(frames_released, at->site) || !atomic_load_explicit(&frames_found, memory_order_acquire) ||
	    !frames_some.PyFrame_GetCode || is_delicate(at->call))
		return false;
	thread = frames_py.PyGILState_GetThisThreadState();
	if (!thread)
		return false;
	places = current_thread() == thread ? frames_held : frames_released;
	if (at->site && is_pythons_own(at->site))
		atomic_store_explicit(&places[((uintptr_t)at->site >> 1) % FRAMES_KNOWN], at->site, memory_order_release);
	return places == frames_held;
}

enum frames_way frames_way(const struct occasion *at, bool by_openssl)
{
	void *thread;

	if (!atomic_load_explicit(&frames_found, memory_order_acquire) || (!by_openssl && is_delicate(at->call)) ||
	    !frames_py.Py_IsInitialized())
		return FRAMES_NONE;
	thread = frames_py.PyGILState_GetThisThreadState();
	if (!thread || is_finalizing() || !is_only_interpreter())
		return FRAMES_NONE;
	if (current_thread() == thread)
		return FRAMES_LOCKED;
	return at->site && is_pythons_own(at->site) && fdtable_is_mine() ? FRAMES_UNLOCKED : FRAMES_NONE;
}
