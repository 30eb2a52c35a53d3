/* Python's frames.  As in python.c, nothing is linked: what is not there is not
 * used, and no frame is found then.
 *
 * Python's lock (the GIL) is taken only in calls of CPython's own modules, which
 * hold no other lock there, and only in calls that it never makes from a signal
 * handler or a fork child; where the thread has it already, nothing is taken. */
#include "frames.h"
#include "tally.h"

#include <dlfcn.h>
#include <string.h>

typedef void *object;

static struct {
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
} py;

static const char *const api[] = {
	"Py_IsInitialized", "PyGILState_Ensure", "PyGILState_Release", "PyGILState_GetThisThreadState",
	"PyInterpreterState_Head", "PyInterpreterState_Next", "PyEval_GetFrame", "PyFrame_GetLineNumber",
	"PyObject_GetAttrString", "PyImport_GetModuleDict", "PyDict_GetItemString", "PyErr_Fetch", "PyErr_Restore",
	"Py_IncRef", "Py_DecRef", "_Py_NoneStruct",
};
_Static_assert(sizeof py == sizeof api, "one name for each symbol of CPython");

/* What only some versions have. */
static struct {
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
} some;

static const char *const some_api[] = {
	"_PyThreadState_Current", "_PyThreadState_UncheckedGet", "PyThreadState_GetUnchecked", "Py_IsFinalizing", "_Py_IsFinalizing", "PyFrame_GetCode",
	"PyFrame_GetBack", "PyFrame_GetLasti", "PyUnicode_AsUTF8", "PyString_AsString",
};
_Static_assert(sizeof some == sizeof some_api, "one name for each symbol of CPython");

static _Atomic bool found; /* written once, when py and some are whole */

void frames_find(void)
{
	static _Atomic bool busy;

	if (atomic_load(&found) || !dlsym(RTLD_DEFAULT, "PyEval_GetFrame") || atomic_exchange(&busy, true))
		return;
	for (size_t i = 0; i < sizeof some_api / sizeof *some_api; i++)
		((void **)&some)[i] = dlsym(RTLD_DEFAULT, some_api[i]);
	for (size_t i = 0; i < sizeof api / sizeof *api; i++)
		if (!(((void **)&py)[i] = dlsym(RTLD_DEFAULT, api[i])))
			return;
	if (!some._PyThreadState_UncheckedGet)
		some._PyThreadState_UncheckedGet = some.PyThreadState_GetUnchecked;
	if ((some.PyUnicode_AsUTF8 || some.PyString_AsString) &&
	    (some._PyThreadState_UncheckedGet || some._PyThreadState_Current))
		atomic_store_explicit(&found, true, memory_order_release);
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
	return some.Py_IsFinalizing ? some.Py_IsFinalizing() : some._Py_IsFinalizing ? some._Py_IsFinalizing() : 0;
}

/* PyGILState_* know one interpreter only. */
static bool is_only_interpreter(void)
{
	void *head = py.PyInterpreterState_Head();

	return head && !py.PyInterpreterState_Next(head);
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
	if (!dladdr(site, &caller) || !dladdr((void *)py.PyEval_GetFrame, &python))
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
	return some._PyThreadState_UncheckedGet ? some._PyThreadState_UncheckedGet() : *some._PyThreadState_Current;
}

enum frames_way frames_way(const struct occasion *at, bool by_openssl)
{
	void *thread;

	if (!atomic_load_explicit(&found, memory_order_acquire) || (!by_openssl && is_delicate(at->call)) ||
	    !py.Py_IsInitialized())
		return FRAMES_NONE;
	thread = py.PyGILState_GetThisThreadState();
	if (!thread || is_finalizing() || !is_only_interpreter())
		return FRAMES_NONE;
	if (current_thread() == thread)
		return FRAMES_LOCKED;
	return at->site && is_pythons_own(at->site) && fdtable_is_mine() ? FRAMES_UNLOCKED : FRAMES_NONE;
}

/* --- reading frames ------------------------------------------------------ */

/* New references; NULL without an error set. */

struct error {
	object type, value, traceback;
};

static object attribute(object o, const char *name)
{
	struct error error;
	object value;

	py.PyErr_Fetch(&error.type, &error.value, &error.traceback);
	value = py.PyObject_GetAttrString(o, name);
	py.PyErr_Restore(error.type, error.value, error.traceback);
	return value;
}

static object code_of(object frame)
{
	return some.PyFrame_GetCode ? some.PyFrame_GetCode(frame) : attribute(frame, "f_code");
}

static object back_of(object frame)
{
	object back = some.PyFrame_GetBack ? some.PyFrame_GetBack(frame) : attribute(frame, "f_back");

	if (back == py._Py_NoneStruct) {
		py.Py_DecRef(back);
		back = NULL;
	}
	return back;
}

/* The text of a str that its owner keeps alive. */
static const char *text_of(object text)
{
	struct error error;
	const char *utf8;

	py.PyErr_Fetch(&error.type, &error.value, &error.traceback);
	utf8 = some.PyUnicode_AsUTF8 ? some.PyUnicode_AsUTF8(text) : some.PyString_AsString(text);
	py.PyErr_Restore(error.type, error.value, error.traceback);
	return utf8 ? utf8 : "?";
}

/* Copy an attribute of the frame's code. */
static void copy_attribute(object frame, const char *name, char *text, size_t size)
{
	object code = code_of(frame), value = code ? attribute(code, name) : NULL;

	text_copy(text, text + size, value ? text_of(value) : "?");
	if (value)
		py.Py_DecRef(value);
	if (code)
		py.Py_DecRef(code);
}

enum { NAME = 512 };

/* Directory of the standard library, with its last slash. */
static char library[NAME];

static void learn_library(void)
{
	object modules = py.PyImport_GetModuleDict();
	object os = modules ? py.PyDict_GetItemString(modules, "os") : NULL;
	object file = os ? attribute(os, "__file__") : NULL;
	char *slash;

	library[0] = '/'; /* matches nothing by itself */
	library[1] = '\0';
	if (!file)
		return;
	text_copy(library, library + sizeof library, text_of(file));
	py.Py_DecRef(file);
	slash = strrchr(library, '/');
	if (slash)
		slash[1] = '\0';
}

static bool is_library_file(const char *file)
{
	if (!library[0])
		learn_library();
	if (file[0] == '<')
		return strncmp(file, "<frozen", 7) == 0;
	return library[1] && strncmp(file, library, strlen(library)) == 0 && !strstr(file, "-packages/");
}

static struct known { /* under Python's lock */
	object code;
	bool library;
} known[256];

static struct known *known_slot(object code)
{
	return &known[((uintptr_t)code >> 4) % (sizeof known / sizeof *known)];
}

static bool is_library_frame(object frame, object code)
{
	struct known *slot = known_slot(code);
	char file[NAME];

	if (slot->code != code) {
		copy_attribute(frame, "co_filename", file, sizeof file);
		slot->code = code;
		slot->library = is_library_file(file);
	}
	return slot->library;
}

static uint64_t key_of(uint64_t key, object frame, object code)
{
	int where = some.PyFrame_GetLasti ? some.PyFrame_GetLasti(frame) : py.PyFrame_GetLineNumber(frame);

	return tally_mix(tally_mix(key, (uintptr_t)code), (uint64_t)where);
}

/* The innermost frame outside the standard library; the innermost of all, if there
 * is none.  Every frame passed is part of the key: one line of the library has many
 * users. */
static void find_site(struct frames *frames)
{
	object frame = frames->innermost, code, back;
	bool inside = false;

	py.Py_IncRef(frame);
	for (int depth = 0; depth < 200; depth++) {
		code = code_of(frame);
		if (!code)
			break;
		inside = is_library_frame(frame, code);
		frames->key = key_of(frames->key, frame, code);
		py.Py_DecRef(code);
		back = inside ? back_of(frame) : NULL;
		if (!back)
			break;
		py.Py_DecRef(frame);
		frame = back;
	}
	if (inside && frame != frames->innermost) {
		py.Py_DecRef(frame);
		frame = frames->innermost;
		py.Py_IncRef(frame);
	}
	frames->frame = frame;
}

bool frames_peek(const struct occasion *at, uint64_t *key)
{
	object frame, code;
	void *thread;
	bool own;

	if (!atomic_load_explicit(&found, memory_order_acquire) || !some.PyFrame_GetCode || is_delicate(at->call))
		return false;
	thread = py.PyGILState_GetThisThreadState();
	if (!thread || current_thread() != thread)
		return false;
	frame = py.PyEval_GetFrame();
	code = frame ? some.PyFrame_GetCode(frame) : NULL;
	if (!code)
		return false;
	own = known_slot(code)->code == code && !known_slot(code)->library;
	*key = own ? key_of(1, frame, code) : 0;
	py.Py_DecRef(code);
	return own;
}

bool frames_enter(struct frames *frames, enum frames_way way)
{
	object innermost;

	*frames = (struct frames){ .key = 1 };
	if (way == FRAMES_NONE)
		return false;
	if (way == FRAMES_UNLOCKED) {
		frames->state = py.PyGILState_Ensure();
		frames->taken = true;
	}
	innermost = py.PyEval_GetFrame();
	if (innermost) {
		py.Py_IncRef(innermost);
		frames->innermost = innermost;
		find_site(frames);
		return true;
	}
	frames_leave(frames);
	return false;
}

void frames_leave(struct frames *frames)
{
	if (frames->frame)
		py.Py_DecRef(frames->frame);
	if (frames->innermost)
		py.Py_DecRef(frames->innermost);
	if (frames->taken)
		py.PyGILState_Release(frames->state);
	frames->frame = frames->innermost = NULL;
	frames->taken = false;
}

uint64_t frames_key(struct frames *frames)
{
	char file[NAME];

	copy_attribute(frames->frame, "co_filename", file, sizeof file);
	return tally_mix(tally_mix_text(1, file), (uint64_t)py.PyFrame_GetLineNumber(frames->frame));
}

/* "file:line function" */
static bool describe_one(object frame, struct line *line)
{
	char text[NAME + 160], *end = text + sizeof text, *at = text;

	copy_attribute(frame, "co_filename", at, NAME);
	at += strlen(at);
	at = text_copy(at, end, ":");
	at = text_number(at, end, py.PyFrame_GetLineNumber(frame));
	at = text_copy(at, end, " ");
	copy_attribute(frame, "co_name", at, (size_t)(end - at));
	return line_item(line, text, sizeof text);
}

void frames_describe(struct frames *frames, struct line *line)
{
	char text[NAME];
	object frame = frames->innermost, back;

	copy_attribute(frames->frame, "co_filename", text, sizeof text);
	line_text(line, "file", text, sizeof text);
	line_number(line, "line", py.PyFrame_GetLineNumber(frames->frame));
	copy_attribute(frames->frame, "co_name", text, sizeof text);
	line_text(line, "function", text, 160);
	if (!line_list(line, "stack"))
		return;
	py.Py_IncRef(frame);
	for (int depth = 0; frame && depth < 24 && describe_one(frame, line); depth++) {
		back = back_of(frame);
		py.Py_DecRef(frame);
		frame = back;
	}
	if (frame)
		py.Py_DecRef(frame);
	line_list_end(line);
}

bool frames_match(struct frames *frames, const char *file, size_t len, long number)
{
	char text[NAME];
	size_t whole;

	if (py.PyFrame_GetLineNumber(frames->frame) != number)
		return false;
	copy_attribute(frames->frame, "co_filename", text, sizeof text);
	whole = strlen(text);
	return whole >= len && memcmp(text + whole - len, file, len) == 0 &&
	       (whole == len || file[0] == '/' || text[whole - len - 1] == '/');
}

const char *frames_test(void)
{
	return getenv("PYTEST_CURRENT_TEST");
}
