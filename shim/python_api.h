/* CPython's API, as far as the adapter uses it, and what its two halves share:
 * python.c puts the hooks in place, python_hooks.c is what they do. */
#ifndef PYTHON_API_H
#define PYTHON_API_H

#include "python.h"

typedef void *object;
typedef object (*method)(object self, object a, object b, object c, object d);

/* What we need of CPython's API, the same from 2.7 to 3.13. */
struct python_api {
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
	void (*PyErr_SetObject)(object type, object value);
	object (*PyErr_SetFromErrno)(object type);
	void (*PyErr_Fetch)(object *type, object *value, object *traceback);
	void (*PyErr_Restore)(object type, object value, object traceback);
	void (*Py_IncRef)(object o);
	void (*Py_DecRef)(object o);
	object _Py_NoneStruct, PyBaseObject_Type, PyFloat_Type, PyLong_Type;
};

extern struct python_api py;

enum hook {
#define HOOK(name, owner, needed) HOOK_##name,
#include "python_hooks.def"
#undef HOOK
	HOOKS
};

/* What CPython's own methods are; complete before any hook is in place. */
extern method original[HOOKS];

/* The hooks themselves. */
#define HOOK(name, owner, needed) object hook_##name(object self, object a, object b, object c, object d);
#include "python_hooks.def"
#undef HOOK

/* What gettimeout answers for a socket in non-blocking mode: this very object, so
 * that s.settimeout(t.gettimeout()) is not mistaken for settimeout(0). */
extern object nonblocking_zero;

/* socket.gaierror and socket.error. */
extern object lookup_error, socket_error;

#endif
