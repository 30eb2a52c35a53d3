/* The methods of CPython's sockets as the adapter has them: each calls the original,
 * and changes what Jython would have changed. */
#include "python_api.h"

#include "channel.h"

#include <dlfcn.h>
#include <math.h>

_Thread_local enum python_doing python_doing __attribute__((tls_model("initial-exec")));
_Thread_local bool python_source_hidden __attribute__((tls_model("initial-exec")));
_Thread_local bool python_ended __attribute__((tls_model("initial-exec")));
_Thread_local bool python_unset __attribute__((tls_model("initial-exec")));
_Atomic unsigned char python_default_timing, python_default_forever;

method original[HOOKS];

/* Below one millisecond, so that CPython waits one in poll and says timeout. */
static const double CLAMPED = 0.00099999;

object nonblocking_zero, lookup_error, socket_error;

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

/* A timeout as a number of seconds; negative: none, or not ours to judge. */
static double seconds_of(object value)
{
	if (value == py._Py_NoneStruct || value == nonblocking_zero || !is_number(value))
		return -1;
	return py.PyFloat_AsDouble(value);
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
static void note_mode(object self, bool forever)
{
	object type, value, traceback, timeout;
	struct shadow *sock;

	py.PyErr_Fetch(&type, &value, &traceback);
	timeout = original[HOOK_gettimeout](self, NULL, NULL, NULL, NULL);
	sock = timeout ? track_unchecked(fd_of(self)) : NULL;
	if (sock) {
		sock->python = (unsigned char)(1 + timing_of(timeout));
		sock->forever = forever;
		shadow_rearm(sock);
	}
	shadow_put(sock);
	if (timeout)
		py.Py_DecRef(timeout);
	py.PyErr_Restore(type, value, traceback);
}

/* A timeout on its way to CPython. */
struct asked {
	object value;   /* a new reference, or NULL: as it is */
	bool forever;   /* Java takes it for no limit at all */
};

static struct asked judge_timeout(object value, bool is_default, const struct occasion *at)
{
	double seconds = value ? seconds_of(value) : -1;
	bool instant = seconds >= 0 && seconds * 1e6 < policy.traits.instant_below;
	struct asked asked = { NULL, false };
	struct verdict v;

	if (seconds < 0 || seconds >= 0.001)
		return asked;
	v = report_finding(decide_zero_timeout(), at);
	if (enforced(v)) {
		asked.value = py.PyFloat_FromDouble(CLAMPED);
		return asked;
	}
	if (is_default || !instant) /* Java's milliseconds: zero, which is for ever */
		asked.forever = enforced(report_finding(decide_short_timeout(), at));
	if (instant)
		asked.value = py.PyFloat_FromDouble(asked.forever ? CLAMPED : 0);
	return asked;
}

/* The original, doing what its libc calls are to know of. */
static object doing(enum python_doing what, enum hook hook, object self, object a, object b, object c, object d)
{
	enum python_doing before = python_doing;
	object result;

	python_doing = what;
	result = original[hook](self, a, b, c, d);
	python_doing = before;
	return result;
}

/* socket.accept of Lib/socket.py asks, after _accept, getdefaulttimeout() and the
 * listener's gettimeout(), and then puts the new socket into blocking mode.  Where
 * Jython hands the listener's timeout down, that is the moment to do it. */
static _Thread_local struct {
	enum { NOT_ACCEPTING, ACCEPTED, DEFAULT_ASKED, TIMEOUT_ASKED } stage;
	object listener;
	int fd;
} accepting __attribute__((tls_model("initial-exec")));

object hook__accept(object self, object a, object b, object c, object d)
{
	object result = doing(PYTHON_ACCEPT, HOOK__accept, self, a, b, c, d);

	accepting.stage = NOT_ACCEPTING;
	if (result && rule_mode(ACCEPT_INHERITS) == ENFORCE) {
		accepting.stage = ACCEPTED;
		accepting.listener = self;
		accepting.fd = (int)py.PyLong_AsLong(py.PyTuple_GetItem(result, 0));
	}
	return result;
}

static bool hands_down(object self)
{
	bool ours = accepting.stage == TIMEOUT_ASKED && fd_of(self) == accepting.fd;

	accepting.stage = NOT_ACCEPTING;
	return ours;
}

/* The mode of a new accepted socket is its listener's. */
static object hand_down(object self)
{
	object timeout = original[HOOK_gettimeout](accepting.listener, NULL, NULL, NULL, NULL), result;

	if (!timeout)
		return NULL;
	result = original[HOOK_settimeout](self, timeout, NULL, NULL, NULL);
	py.Py_DecRef(timeout);
	note_mode(self, false);
	return result;
}

object hook_settimeout(object self, object value, object b, object c, object d)
{
	struct occasion at = { "settimeout", fd_of(self), NULL, NULL, -1, 0 };
	struct asked asked = judge_timeout(value, false, &at);
	object result = doing(PYTHON_CONFIGURE, HOOK_settimeout, self, asked.value ? asked.value : value, b, c, d);

	note_mode(self, asked.forever);
	if (asked.value)
		py.Py_DecRef(asked.value);
	return result;
}

object hook_setblocking(object self, object value, object b, object c, object d)
{
	struct shadow *sock;
	object result;

	if (hands_down(self))
		return hand_down(self);
	result = doing(PYTHON_CONFIGURE, HOOK_setblocking, self, value, b, c, d);
	sock = result ? track_unchecked(fd_of(self)) : NULL;
	if (sock)
		channel_wake(sock);
	shadow_put(sock);

	note_mode(self, false);
	return result;
}

object hook_setdefaulttimeout(object self, object value, object b, object c, object d)
{
	struct occasion at = { "setdefaulttimeout", -1, NULL, NULL, -1, 0 };
	struct asked asked = judge_timeout(value, true, &at);
	object result = original[HOOK_setdefaulttimeout](self, asked.value ? asked.value : value, b, c, d), timeout;

	if (asked.value)
		py.Py_DecRef(asked.value);
	if (!result)
		return NULL;
	timeout = original[HOOK_getdefaulttimeout](self, NULL, NULL, NULL, NULL);
	if (timeout) {
		python_default_timing = timeout == py._Py_NoneStruct ? 0 : (unsigned char)(1 + timing_of(timeout));
		python_default_forever = asked.forever;
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

static object none(void)
{
	py.Py_IncRef(py._Py_NoneStruct);
	return py._Py_NoneStruct;
}

object hook_gettimeout(object self, object a, object b, object c, object d)
{
	if (accepting.stage == DEFAULT_ASKED && self == accepting.listener) {
		accepting.stage = TIMEOUT_ASKED;
		return py.PyFloat_FromDouble(1); /* so that it goes on to setblocking */
	}
	accepting.stage = NOT_ACCEPTING;
	return shown_timeout(original[HOOK_gettimeout](self, a, b, c, d));
}

object hook_getdefaulttimeout(object self, object a, object b, object c, object d)
{
	if (accepting.stage == ACCEPTED) {
		accepting.stage = DEFAULT_ASKED;
		return none();
	}
	accepting.stage = NOT_ACCEPTING;
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

/* A result with another item in one place; takes both. */
static object with_item(object result, ssize_t place, object item)
{
	ssize_t size = py.PyTuple_Size(result);
	object copy = size > place && item ? py.PyTuple_New(size) : NULL;

	if (!copy)
		return result;
	for (ssize_t i = 0; i < size; i++) {
		object one = i == place ? item : py.PyTuple_GetItem(result, i);

		if (i != place)
			py.Py_IncRef(one);
		py.PyTuple_SetItem(copy, i, one);
	}
	py.Py_DecRef(result);
	return copy;
}

/* (…, address) with the address that Jython 2.5 gave in timeout mode. */
static object without_source(object result)
{
	object source;

	if (!result || !python_source_hidden)
		return result;
	source = py.PyTuple_New(2);
	if (!source)
		return result;
	py.PyTuple_SetItem(source, 0, none());
	py.PyTuple_SetItem(source, 1, py.PyLong_FromLong(-1));
	return with_item(result, py.PyTuple_Size(result) - 1, source);
}

#define WAITS(name, what)                                                               \
	object hook_##name(object self, object a, object b, object c, object d)         \
	{                                                                               \
		return doing(what, HOOK_##name, self, a, b, c, d);                      \
	}

#define RECEIVES(name)                                                                  \
	object hook_##name(object self, object a, object b, object c, object d)         \
	{                                                                               \
		python_source_hidden = python_ended = false;                            \
		return without_source(doing(PYTHON_RECVFROM, HOOK_##name, self, a, b, c, d)); \
	}

/* Jython 2.7 has nothing more to say after the end: None, not even an empty string. */
object hook_recv(object self, object a, object b, object c, object d)
{
	object result;

	python_ended = false;
	result = doing(PYTHON_RECV, HOOK_recv, self, a, b, c, d);
	if (!result || !python_ended)
		return result;
	py.Py_DecRef(result);
	return none();
}

object hook_recvfrom(object self, object a, object b, object c, object d)
{
	object result;

	python_source_hidden = python_ended = false;
	result = without_source(doing(PYTHON_RECVFROM, HOOK_recvfrom, self, a, b, c, d));
	return result && python_ended ? with_item(result, 0, none()) : result;
}

enum { EGETADDRINFOFAILED = 20001 }; /* Jython's own errno */

/* What Jython says of any address for a socket of a type or protocol that Java lacks, as
 * it looks it up; 0: nothing. */
static int misfit_error(object self)
{
	struct shadow *sock = track_unchecked(fd_of(self));
	unsigned past = sock ? shadow_past(sock) : 0;

	shadow_put(sock);
	return past & PAST_TYPELESS ? ESOCKTNOSUPPORT : past & PAST_MISFIT ? EGETADDRINFOFAILED : 0;
}

static bool finds_no_address(object self)
{
	int error = misfit_error(self);
	object number = error == EGETADDRINFOFAILED ? py.PyLong_FromLong(error) : NULL;

	if (number) {
		py.PyErr_SetObject(lookup_error, number);
		py.Py_DecRef(number);
	} else if (error) {
		errno = error;
		py.PyErr_SetFromErrno(socket_error);
	}
	return error;
}

#define LOOKS_UP(name, what)                                                            \
	object hook_##name(object self, object a, object b, object c, object d)         \
	{                                                                               \
		if (finds_no_address(self))                                             \
			return NULL;                                                    \
		return doing(what, HOOK_##name, self, a, b, c, d);                      \
	}

LOOKS_UP(bind, PYTHON_OTHER)
LOOKS_UP(connect, PYTHON_CONNECT)
LOOKS_UP(sendto, PYTHON_SENDTO)

/* 2.7 answers EISCONN where others say 0. */
object hook_connect_ex(object self, object a, object b, object c, object d)
{
	int success = policy.traits.connect_ex_success, error = misfit_error(self);
	object result = error ? py.PyLong_FromLong(error) : doing(PYTHON_CONNECT_EX, HOOK_connect_ex, self, a, b, c, d);

	if (!result || !success || rule_mode(CONNECT_RESULT) != ENFORCE || py.PyLong_AsLong(result) != 0)
		return result;
	py.Py_DecRef(result);
	return py.PyLong_FromLong(success);
}

WAITS(recv_into, PYTHON_RECV)
RECEIVES(recvfrom_into)
RECEIVES(recvmsg)
RECEIVES(recvmsg_into)
WAITS(accept, PYTHON_ACCEPT)
WAITS(send, PYTHON_SEND)
WAITS(sendall, PYTHON_SEND)
WAITS(sendmsg, PYTHON_OTHER)

/* An option that was never set: None in 2.5.3, 0 in 2.7. */
object hook_getsockopt(object self, object a, object b, object c, object d)
{
	object result;

	python_unset = false;
	result = doing(PYTHON_OTHER, HOOK_getsockopt, self, a, b, c, d);
	if (!result || !python_unset)
		return result;
	py.Py_DecRef(result);
	if (!policy.traits.unset_is_none)
		return py.PyLong_FromLong(0);
	return none();
}
