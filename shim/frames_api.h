/* What the frames_* files need of CPython; valid once frames_find found it all. */
#ifndef FRAMES_API_H
#define FRAMES_API_H

typedef void *object;

struct frames_needed {
	int (*Py_IsInitialized)(void);
	int (*PyGILState_Ensure)(void);
	void (*PyGILState_Release)(int state);
	void *(*PyGILState_GetThisThreadState)(void);
	void *(*PyInterpreterState_Head)(void);
	void *(*PyInterpreterState_Next)(void *interpreter);
	object (*PyEval_GetFrame)(void);
	int (*PyFrame_GetLineNumber)(object frame);
	object (*PyObject_GetAttrString)(object o, const char *name);
	object (*PyImport_GetModuleDict)(void);
	object (*PyDict_GetItemString)(object dict, const char *key);
	void (*PyErr_Fetch)(object *type, object *value, object *traceback);
	void (*PyErr_Restore)(object type, object value, object traceback);
	void (*Py_IncRef)(object o);
	void (*Py_DecRef)(object o);
	object _Py_NoneStruct;
};

/* What only some versions have; NULL elsewhere. */
struct frames_optional {
	void **_PyThreadState_Current;                 /* 2.7 */
	void *(*_PyThreadState_UncheckedGet)(void);    /* 3.6 */
	void *(*PyThreadState_GetUnchecked)(void);     /* 3.13 */
	int (*Py_IsFinalizing)(void);                  /* 3.13 */
	int (*_Py_IsFinalizing)(void);                 /* 3.7 */
	object (*PyFrame_GetCode)(object frame);       /* 3.9 */
	object (*PyFrame_GetBack)(object frame);       /* 3.9 */
	int (*PyFrame_GetLasti)(object frame);         /* 3.11 */
	const char *(*PyUnicode_AsUTF8)(object text);  /* 3.3 */
	char *(*PyString_AsString)(object text);       /* 2.7 */
};

extern struct frames_needed frames_py;
extern struct frames_optional frames_some;

#endif
