/* The CPython adapter.  libc sees settimeout(0) and setblocking(False) as the same
 * call; CPython's own method tables tell them apart.  The C functions behind the
 * methods of _socket.socket stand in static PyMethodDef tables: ours take their
 * place there, call them, and change what Jython would have changed.
 *
 * No Python header is used and nothing is linked: every symbol comes from
 * dlsym(RTLD_DEFAULT), the layouts that we rely on are checked first, and any
 * check that fails leaves CPython alone. */
#include "python.h"

#include <dlfcn.h>
#include <math.h>
#include <string.h>

_Thread_local enum python_doing python_doing __attribute__((tls_model("initial-exec")));
_Thread_local bool python_source_hidden __attribute__((tls_model("initial-exec")));
_Atomic unsigned char python_default_timing;

typedef void *object;
typedef object (*method)(object self, object a, object b, object c, object d);

/* What we need of CPython's API, the same from 2.7 to 3.13. */
static struct {
	int (*Py_IsInitialized)(void);
	int (*PyGILState_Ensure)(void);
	void (*PyGILState_Release)(int state);
	void *(*PyGILState_GetThisThreadState)(void);
	object (*PyImport_GetModuleDict)(void);
	object (*PyDict_GetItemString)(object dict, const char *key);
	object (*PyObject_GetAttrString)(object o, const char *name);
	object (*PyObject_CallMethod)(object o, const char *name, const char *format, ...);
	int (*PyObject_IsInstance)(object o, object type);
	method (*PyCFunction_GetFunction)(object function);
	object (*PyFloat_FromDouble)(double value);
	double (*PyFloat_AsDouble)(object o);
	long (*PyLong_AsLong)(object o);
	object (*PyBool_FromLong)(long value);
	object (*PyTuple_New)(ssize_t size);
	ssize_t (*PyTuple_Size)(object tuple);
	object (*PyTuple_GetItem)(object tuple, ssize_t index);
	int (*PyTuple_SetItem)(object tuple, ssize_t index, object item);
	object (*PyLong_FromLong)(long value);
	void (*PyErr_Clear)(void);
	void (*PyErr_Fetch)(object *type, object *value, object *traceback);
	void (*PyErr_Restore)(object type, object value, object traceback);
	void (*Py_IncRef)(object o);
	void (*Py_DecRef)(object o);
	object _Py_NoneStruct, PyBaseObject_Type, PyFloat_Type, PyLong_Type;
} py;

static const char *const api[] = {
	"Py_IsInitialized", "PyGILState_Ensure", "PyGILState_Release", "PyGILState_GetThisThreadState",
	"PyImport_GetModuleDict", "PyDict_GetItemString", "PyObject_GetAttrString", "PyObject_CallMethod",
	"PyObject_IsInstance", "PyCFunction_GetFunction", "PyFloat_FromDouble", "PyFloat_AsDouble", "PyLong_AsLong",
	"PyBool_FromLong", "PyTuple_New", "PyTuple_Size", "PyTuple_GetItem", "PyTuple_SetItem", "PyLong_FromLong",
	"PyErr_Clear", "PyErr_Fetch", "PyErr_Restore", "Py_IncRef", "Py_DecRef",
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

/* --- the hooks ----------------------------------------------------------- */

enum hook {
#define HOOK(name, owner, needed) HOOK_##name,
#include "python_hooks.def"
#undef HOOK
	HOOKS
};

static method original[HOOKS];

/* Below one millisecond, so that CPython waits one in poll and says timeout. */
static const double CLAMPED = 0.00099999;

/* What gettimeout answers for a socket in non-blocking mode: this very object, so
 * that s.settimeout(t.gettimeout()) is not mistaken for settimeout(0). */
static object nonblocking_zero;

static bool is_clamped(double timeout)
{
	return fabs(timeout - CLAMPED) < 5e-9;
}

static bool is_number(object value)
{
	static object int_of_python_2;

	if (!int_of_python_2)
		int_of_python_2 = dlsym(RTLD_DEFAULT, "PyInt_Type");
	return py.PyObject_IsInstance(value, py.PyFloat_Type) == 1 || py.PyObject_IsInstance(value, py.PyLong_Type) == 1 ||
	       (int_of_python_2 && py.PyObject_IsInstance(value, int_of_python_2) == 1);
}

/* Is this argument of settimeout what the zero-timeout rule is about? */
static bool is_zero_timeout(object value)
{
	double timeout;

	if (value == py._Py_NoneStruct || value == nonblocking_zero || !is_number(value))
		return false;
	timeout = py.PyFloat_AsDouble(value);
	return timeout >= 0 && timeout < 0.001;
}

static int fd_of(object self)
{
	object number = py.PyObject_CallMethod(self, "fileno", NULL);
	long fd = number ? py.PyLong_AsLong(number) : -1;

	if (number)
		py.Py_DecRef(number);
	else
		py.PyErr_Clear();
	return (int)fd;
}

static enum timing timing_of(object timeout)
{
	if (timeout == py._Py_NoneStruct)
		return BLOCKING;
	return py.PyFloat_AsDouble(timeout) > 0 ? TIMEOUT : NONBLOCKING;
}

/* The shadow learns the mode of the Python object. */
static void note_mode(object self)
{
	object timeout = original[HOOK_gettimeout](self, NULL, NULL, NULL, NULL);
	struct shadow *sock;

	if (!timeout) {
		py.PyErr_Clear();
		return;
	}
	sock = track_unchecked(fd_of(self));
	if (sock) {
		sock->python = (unsigned char)(1 + timing_of(timeout));
		shadow_rearm(sock);
	}
	shadow_put(sock);
	py.Py_DecRef(timeout);
}

/* settimeout and setdefaulttimeout: the original, with zero made one millisecond. */
static object set_timeout(enum hook hook, object self, object value, object b, object c, object d)
{
	object clamped = NULL, result;
	struct occasion at = { hook == HOOK_settimeout ? "settimeout" : "setdefaulttimeout", -1, NULL, NULL, -1, 0 };

	if (value && is_zero_timeout(value)) {
		if (hook == HOOK_settimeout)
			at.fd = fd_of(self);
		report_finding(decide_zero_timeout(), &at);
		if (enforced(decide_zero_timeout()))
			clamped = py.PyFloat_FromDouble(CLAMPED);
	}
	result = original[hook](self, clamped ? clamped : value, b, c, d);
	if (clamped)
		py.Py_DecRef(clamped);
	return result;
}

static object hook_settimeout(object self, object value, object b, object c, object d)
{
	object result = set_timeout(HOOK_settimeout, self, value, b, c, d);

	if (result)
		note_mode(self);
	return result;
}

static object hook_setblocking(object self, object value, object b, object c, object d)
{
	object result = original[HOOK_setblocking](self, value, b, c, d);

	if (result)
		note_mode(self);
	return result;
}

static object hook_setdefaulttimeout(object self, object value, object b, object c, object d)
{
	object result = set_timeout(HOOK_setdefaulttimeout, self, value, b, c, d), timeout;

	if (!result)
		return NULL;
	timeout = original[HOOK_getdefaulttimeout](self, NULL, NULL, NULL, NULL);
	if (timeout) {
		python_default_timing = timeout == py._Py_NoneStruct ? 0 : (unsigned char)(1 + timing_of(timeout));
		py.Py_DecRef(timeout);
	}
	return result;
}

/* A timeout on its way to the program. */
static object shown_timeout(object timeout)
{
	double seconds;

	if (!timeout || timeout == py._Py_NoneStruct)
		return timeout;
	seconds = py.PyFloat_AsDouble(timeout);
	if (seconds != 0 && !is_clamped(seconds))
		return timeout;
	py.Py_DecRef(timeout);
	if (seconds != 0)
		return py.PyFloat_FromDouble(0);
	py.Py_IncRef(nonblocking_zero);
	return nonblocking_zero;
}

static object hook_gettimeout(object self, object a, object b, object c, object d)
{
	return shown_timeout(original[HOOK_gettimeout](self, a, b, c, d));
}

static object hook_getdefaulttimeout(object self, object a, object b, object c, object d)
{
	return shown_timeout(original[HOOK_getdefaulttimeout](self, a, b, c, d));
}

static object hook_getblocking(object self, object a, object b, object c, object d)
{
	object timeout = original[HOOK_gettimeout](self, NULL, NULL, NULL, NULL);
	bool clamped = timeout && timeout != py._Py_NoneStruct && is_clamped(py.PyFloat_AsDouble(timeout));

	if (timeout)
		py.Py_DecRef(timeout);
	return clamped ? py.PyBool_FromLong(0) : original[HOOK_getblocking](self, a, b, c, d);
}

/* A method that may wait: its poll is CPython's own affair. */
static object waiting(enum hook hook, enum python_doing doing, object self, object a, object b, object c, object d)
{
	enum python_doing before = python_doing;
	object result;

	python_doing = doing;
	python_source_hidden = false;
	result = original[hook](self, a, b, c, d);
	python_doing = before;
	return result;
}

/* (…, address) with the address that Jython 2.5 gave in timeout mode. */
static object without_source(object result)
{
	ssize_t size = result && python_source_hidden ? py.PyTuple_Size(result) : 0;
	object copy, source;

	if (size <= 0)
		return result;
	copy = py.PyTuple_New(size);
	source = py.PyTuple_New(2);
	if (!copy || !source)
		return result;
	py.Py_IncRef(py._Py_NoneStruct);
	py.PyTuple_SetItem(source, 0, py._Py_NoneStruct);
	py.PyTuple_SetItem(source, 1, py.PyLong_FromLong(-1));
	for (ssize_t i = 0; i < size - 1; i++) {
		py.Py_IncRef(py.PyTuple_GetItem(result, i));
		py.PyTuple_SetItem(copy, i, py.PyTuple_GetItem(result, i));
	}
	py.PyTuple_SetItem(copy, size - 1, source);
	py.Py_DecRef(result);
	return copy;
}

#define WAITS(name, doing)                                                              \
	static object hook_##name(object self, object a, object b, object c, object d)  \
	{                                                                               \
		return waiting(HOOK_##name, doing, self, a, b, c, d);                   \
	}

#define RECEIVES(name)                                                                  \
	static object hook_##name(object self, object a, object b, object c, object d)  \
	{                                                                               \
		return without_source(waiting(HOOK_##name, PYTHON_RECVFROM, self, a, b, c, d)); \
	}

WAITS(recv, PYTHON_RECV)
WAITS(recv_into, PYTHON_RECV)
RECEIVES(recvfrom)
RECEIVES(recvfrom_into)
RECEIVES(recvmsg)
RECEIVES(recvmsg_into)
WAITS(connect, PYTHON_OTHER)
WAITS(connect_ex, PYTHON_OTHER)
WAITS(accept, PYTHON_OTHER)
WAITS(_accept, PYTHON_OTHER)
WAITS(send, PYTHON_OTHER)
WAITS(sendall, PYTHON_OTHER)
WAITS(sendto, PYTHON_OTHER)
WAITS(sendmsg, PYTHON_OTHER)

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
	if (!make_nonblocking_zero())
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

static bool is_socket_module(const void *site)
{
	Dl_info caller, python;
	void *anchor = dlsym(RTLD_DEFAULT, "PyCFunction_GetFunction");
	const char *base;

	if (!anchor || !dladdr(site, &caller) || !dladdr(anchor, &python))
		return false;
	if (caller.dli_fbase == python.dli_fbase)
		return true;
	base = caller.dli_fname ? strrchr(caller.dli_fname, '/') : NULL;
	return base && strncmp(base, "/_socket", 8) == 0;
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
	if (is_socket_module(site))
		look();
	else
		atomic_store(stranger, address);
	errno = saved;
}
