/* The CPython adapter.  libc sees settimeout(0) and setblocking(False) as the same
 * call; CPython's own method tables tell them apart.  The C functions behind the
 * methods of _socket.socket stand in static PyMethodDef tables: ours take their
 * place there, call them, and change what Jython would have changed.
 *
 * No Python header is used and nothing is linked: every symbol comes from
 * dlsym(RTLD_DEFAULT), the layouts that we rely on are checked first, and any
 * check that fails leaves CPython alone. */
#include "library.h"
#include "python_api.h"

#include <dlfcn.h>
#include <string.h>

struct python_api py;

static const char *const api[] = {
	"Py_IsInitialized", "PyGILState_Ensure", "PyGILState_Release", "PyGILState_GetThisThreadState",
	"PyImport_GetModuleDict", "PyDict_GetItemString", "PyObject_GetAttrString", "PyObject_CallMethod",
	"PyObject_IsInstance", "PyCFunction_GetFunction", "PyFloat_FromDouble", "PyFloat_AsDouble", "PyLong_AsLong",
	"PyBool_FromLong", "PyTuple_New", "PyTuple_Size", "PyTuple_GetItem", "PyTuple_SetItem", "PyLong_FromLong",
	"PyErr_Clear", "PyErr_SetObject", "PyErr_SetFromErrno", "PyErr_Fetch", "PyErr_Restore", "Py_IncRef", "Py_DecRef",
	"_Py_NoneStruct", "PyBaseObject_Type", "PyFloat_Type", "PyLong_Type",
};
_Static_assert(sizeof py == sizeof api, "one name for each symbol of CPython");

/* PyMethodDef, the same in every version. */
struct definition {
	const char *name;
	method function;
	int flags;
	const char *doc;
};

/* --- putting them in place ----------------------------------------------- */

enum owner { METHOD, FUNCTION };

static const struct {
	const char *name;
	method function;
	enum owner owner;
	bool needed;
} hooks[HOOKS] = {
#define HOOK(name, owner, needed) { #name, hook_##name, owner, needed },
#include "python_hooks.def"
#undef HOOK
};

static bool find_api(void)
{
	for (size_t i = 0; i < sizeof api / sizeof *api; i++) {
		void *found = dlsym(RTLD_DEFAULT, api[i]);

		if (!found)
			return false;
		((void **)&py)[i] = found;
	}
	return true;
}

static long size_of_object(void)
{
	object size = py.PyObject_GetAttrString(py.PyBaseObject_Type, "__basicsize__");

	return size ? py.PyLong_AsLong(size) : 0;
}

/* In memory of ours, with None's count of references, which from CPython 3.12 on
 * never changes: interpreters with a lock each share it, and outlive each other. */
static bool make_nonblocking_zero(void)
{
	static _Alignas(16) unsigned char memory[2 * sizeof(object) + sizeof(double)];

	nonblocking_zero = py.PyFloat_FromDouble(0);
	if (!nonblocking_zero || size_of_object() != 2 * sizeof(object))
		return nonblocking_zero;
	memcpy(memory, nonblocking_zero, sizeof memory);
	memcpy(memory, py._Py_NoneStruct, sizeof(ssize_t));
	nonblocking_zero = memory;
	return true;
}

/* The table entry behind a bound method or a function of the module; NULL if it
 * does not look as it must. */
static struct definition *definition_of(object bound, const char *name, long object_size)
{
	struct definition *entry;

	memcpy(&entry, (char *)bound + object_size, sizeof entry);
	if (!readable(entry, sizeof *entry) || entry->function != py.PyCFunction_GetFunction(bound) ||
	    !readable(entry->name, strlen(name) + 1) || strcmp(entry->name, name) != 0)
		return NULL;
	return entry;
}

/* Find all entries before any is changed: all or nothing. */
static const char *find_entries(object module, object type, object instance, struct definition **entries)
{
	long object_size = size_of_object();

	(void)type;
	if (object_size < 16 || object_size > 64)
		return "the size of an object is not what it must be";
	for (int hook = 0; hook < HOOKS; hook++) {
		object bound = py.PyObject_GetAttrString(hooks[hook].owner == METHOD ? instance : module, hooks[hook].name);

		if (!bound)
			py.PyErr_Clear();
		entries[hook] = bound ? definition_of(bound, hooks[hook].name, object_size) : NULL;
		if (!entries[hook] && (bound || hooks[hook].needed))
			return "a method of _socket.socket is not where it must be";
	}
	return NULL;
}

/* setdefaulttimeout usually comes before the first socket, and so before us. */
static void adopt_default(object module)
{
	object timeout = original[HOOK_getdefaulttimeout](module, NULL, NULL, NULL, NULL), result;

	if (!timeout)
		return;
	result = timeout == py._Py_NoneStruct ? NULL : hook_setdefaulttimeout(module, timeout, NULL, NULL, NULL);
	py.Py_DecRef(timeout);
	if (result)
		py.Py_DecRef(result);
}

static const char *install(object module)
{
	struct definition *entries[HOOKS];
	object type, instance;
	const char *trouble;

	type = py.PyObject_GetAttrString(module, "socket");
	instance = type ? py.PyObject_CallMethod(type, "__new__", "O", type) : NULL;
	if (!instance)
		return "there is no _socket.socket";
	trouble = find_entries(module, type, instance, entries);
	py.Py_DecRef(instance);
	py.Py_DecRef(type);
	if (trouble)
		return trouble;
	lookup_error = py.PyObject_GetAttrString(module, "gaierror");
	socket_error = py.PyObject_GetAttrString(module, "error");
	if (!lookup_error || !socket_error || !make_nonblocking_zero())
		return "no memory";
	for (int hook = 0; hook < HOOKS; hook++) {
		if (!entries[hook])
			continue;
		original[hook] = entries[hook]->function;
		__atomic_store_n(&entries[hook]->function, hooks[hook].function, __ATOMIC_RELEASE);
	}
	adopt_default(module);
	return NULL;
}

/* --- when to look -------------------------------------------------------- */

static _Atomic bool done; /* in place, or given up for good */

/* Call sites known to be none of CPython's, so that other programs pay once. */
static _Atomic uintptr_t strangers[64];

/* Not NULL in programs that had CPython from their start. */
extern char anchor_at_start __asm__("PyCFunction_GetFunction") __attribute__((weak));

static bool begins(const char *text, const char *prefix)
{
	return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What CPython itself is part of, which is never unloaded. */
static const struct link_map *interpreter(void)
{
	static _Atomic(const struct link_map *) found;
	void *anchor = found ? NULL : dlsym(RTLD_DEFAULT, "PyCFunction_GetFunction");

	if (anchor)
		found = library_of(anchor);
	return found;
}

/* dlsym is asked only where the answer can be yes: a no allocates memory. */
static bool is_module(const void *site, const char *prefix)
{
	const struct link_map *caller = library_of(site);
	const char *base = caller ? strrchr(caller->l_name, '/') : NULL;

	if (!caller || (!&anchor_at_start && !begins(base, prefix) && !begins(base, "/libpython")))
		return false;
	return interpreter() && (caller == interpreter() || begins(base, prefix));
}

bool python_called(const void *site)
{
	int saved = errno;
	bool own = is_module(site, "/_socket") || is_module(site, "/select");

	errno = saved;
	return own;
}

/* The module, once it is loaded: what a sub-interpreter imported may not be in
 * sight of the one that PyGILState_Ensure takes us to. */
static object socket_module(void)
{
	object modules = py.PyImport_GetModuleDict();

	return modules ? py.PyDict_GetItemString(modules, "_socket") : NULL;
}

/* Threads that make the first sockets together wait for CPython's lock here, so
 * that none goes on before the adapter is in place. */
static void look(void)
{
	static _Atomic bool busy; /* interpreters may have a lock each */
	object type, value, traceback, module;
	const char *trouble;
	int state;

	if (!find_api()) {
		report_note("python", "CPython is left alone: a symbol of its API is missing");
		done = true;
		return;
	}
	if (!py.Py_IsInitialized() || !py.PyGILState_GetThisThreadState() || !fdtable_is_mine())
		return;
	state = py.PyGILState_Ensure();
	py.PyErr_Fetch(&type, &value, &traceback);
	module = done ? NULL : socket_module();
	if (module && !atomic_exchange(&busy, true)) {
		trouble = install(module);
		if (trouble)
			report_note("python", trouble);
		done = true;
	}
	py.PyErr_Clear();
	py.PyErr_Restore(type, value, traceback);
	py.PyGILState_Release(state);
}

void python_look(const void *site)
{
	uintptr_t address = (uintptr_t)site;
	_Atomic uintptr_t *stranger = &strangers[(address >> 2) % (sizeof strangers / sizeof *strangers)];
	int saved = errno;

	if (atomic_load_explicit(&done, memory_order_acquire) || atomic_load(stranger) == address)
		return;
	if (is_module(site, "/_socket"))
		look();
	else
		atomic_store(stranger, address);
	errno = saved;
}
