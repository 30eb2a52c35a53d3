/* The methods of CPython's sockets as the adapter has them: each calls the original,
 * and changes what Jython would have changed. */
#include "python_api.h"

#include <dlfcn.h>
#include <math.h>

_Thread_local enum python_doing python_doing __attribute__((tls_model("initial-exec")));
_Thread_local bool python_source_hidden __attribute__((tls_model("initial-exec")));
_Atomic unsigned char python_default_timing;

method original[HOOKS];

/* Below one millisecond, so that CPython waits one in poll and says timeout. */
static const double CLAMPED = 0.00099999;

object nonblocking_zero;

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
		if (enforced(report_finding(decide_zero_timeout(), &at)))
			clamped = py.PyFloat_FromDouble(CLAMPED);
	}
	result = original[hook](self, clamped ? clamped : value, b, c, d);
	if (clamped)
		py.Py_DecRef(clamped);
	return result;
}

object hook_settimeout(object self, object value, object b, object c, object d)
{
	object result = set_timeout(HOOK_settimeout, self, value, b, c, d);

	if (result)
		note_mode(self);
	return result;
}

object hook_setblocking(object self, object value, object b, object c, object d)
{
	object result = original[HOOK_setblocking](self, value, b, c, d);

	if (result)
		note_mode(self);
	return result;
}

object hook_setdefaulttimeout(object self, object value, object b, object c, object d)
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

object hook_gettimeout(object self, object a, object b, object c, object d)
{
	return shown_timeout(original[HOOK_gettimeout](self, a, b, c, d));
}

object hook_getdefaulttimeout(object self, object a, object b, object c, object d)
{
	return shown_timeout(original[HOOK_getdefaulttimeout](self, a, b, c, d));
}

object hook_getblocking(object self, object a, object b, object c, object d)
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
	object hook_##name(object self, object a, object b, object c, object d)  \
	{                                                                               \
		return waiting(HOOK_##name, doing, self, a, b, c, d);                   \
	}

#define RECEIVES(name)                                                                  \
	object hook_##name(object self, object a, object b, object c, object d)  \
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
