/* Reading Python's frames, with its lock held. */
#include "frames.h"
#include "frames_api.h"
#include "tally.h"

#include <string.h>

/* New references; NULL without an error set. */

struct error {
	object type, value, traceback;
};

static object attribute(object o, const char *name)
{
	struct error error;
	object value;

	frames_py.PyErr_Fetch(&error.type, &error.value, &error.traceback);
	value = frames_py.PyObject_GetAttrString(o, name);
	frames_py.PyErr_Restore(error.type, error.value, error.traceback);
	return value;
}

static object code_of(object frame)
{
	return frames_some.PyFrame_GetCode ? frames_some.PyFrame_GetCode(frame) : attribute(frame, "f_code");
}

static object back_of(object frame)
{
	object back = frames_some.PyFrame_GetBack ? frames_some.PyFrame_GetBack(frame) : attribute(frame, "f_back");

	if (back == frames_py._Py_NoneStruct) {
		frames_py.Py_DecRef(back);
		back = NULL;
	}
	return back;
}

/* The text of a str that its owner keeps alive. */
static const char *text_of(object text)
{
	struct error error;
	const char *utf8;

	frames_py.PyErr_Fetch(&error.type, &error.value, &error.traceback);
	utf8 = frames_some.PyUnicode_AsUTF8 ? frames_some.PyUnicode_AsUTF8(text) : frames_some.PyString_AsString(text);
	frames_py.PyErr_Restore(error.type, error.value, error.traceback);
	return utf8 ? utf8 : "?";
}

/* Copy an attribute of the frame's code. */
static void copy_attribute(object frame, const char *name, char *text, size_t size)
{
	object code = code_of(frame), value = code ? attribute(code, name) : NULL;

	text_copy(text, text + size, value ? text_of(value) : "?");
	if (value)
		frames_py.Py_DecRef(value);
	if (code)
		frames_py.Py_DecRef(code);
}

enum { NAME = 512 };

/* Directory of the standard library, with its last slash. */
static char library[NAME];

static void learn_library(void)
{
	object modules = frames_py.PyImport_GetModuleDict();
	object os = modules ? frames_py.PyDict_GetItemString(modules, "os") : NULL;
	object file = os ? attribute(os, "__file__") : NULL;
	char *slash;

	library[0] = '/'; /* matches nothing by itself */
	library[1] = '\0';
	if (!file)
		return;
	text_copy(library, library + sizeof library, text_of(file));
	frames_py.Py_DecRef(file);
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
	char file[NAME] = "";

	if (slot->code != code) {
		copy_attribute(frame, "co_filename", file, sizeof file);
		slot->code = code;
		slot->library = is_library_file(file);
	}
	return slot->library;
}

static int last_of(object frame)
{
	return frames_some.PyFrame_GetLasti ? frames_some.PyFrame_GetLasti(frame) : frames_py.PyFrame_GetLineNumber(frame);
}

static uint64_t key_of(uint64_t key, struct frames_now now)
{
	return tally_mix(tally_mix(key, (uintptr_t)now.code), (uint64_t)now.last);
}

/* The innermost frame outside the standard library; the innermost of all, if there
 * is none.  Every frame passed is part of the key: one line of the library has many
 * users. */
static void find_site(struct frames *frames)
{
	object frame = frames->innermost, code, back;
	bool inside = false;

	frames_py.Py_IncRef(frame);
	for (int depth = 0; frame && depth < 200; depth++) {
		code = code_of(frame);
		if (!code)
			break;
		inside = is_library_frame(frame, code);
		frames->key = key_of(frames->key, (struct frames_now){ code, last_of(frame) });
		frames_py.Py_DecRef(code);
		back = inside ? back_of(frame) : NULL;
		if (!back)
			break;
		frames_py.Py_DecRef(frame);
		frame = back;
	}
	if (inside && frame != frames->innermost) {
		frames_py.Py_DecRef(frame);
		frame = frames->innermost;
		frames_py.Py_IncRef(frame);
	}
	frames->frame = frame;
}

/* Is the frame's code in this file of the standard library? */
static bool is_frame_in(object frame, const char *file)
{
	char text[NAME] = "";
	size_t whole, len = strlen(file);

	copy_attribute(frame, "co_filename", text, sizeof text);
	whole = strlen(text);
	return whole > len && strcmp(text + whole - len, file) == 0 && is_library_file(text);
}

bool frames_library_calls(const char *file)
{
	object frame, back;
	bool calls;

	frames_find();
	frame = frames_found ? frames_py.PyEval_GetFrame() : NULL;
	if (!frame || !is_frame_in(frame, "/socket.py"))
		return frame && is_frame_in(frame, file);
	back = back_of(frame); /* 2.7 calls its methods there */
	calls = back && is_frame_in(back, file);
	if (back)
		frames_py.Py_DecRef(back);
	return calls;
}

struct frames_now frames_now(void)
{
	object frame = frames_py.PyEval_GetFrame(), code = frame ? frames_some.PyFrame_GetCode(frame) : NULL;
	struct frames_now now = { .code = code };

	if (code) {
		frames_py.Py_DecRef(code); /* the frame keeps it */
		now.last = last_of(frame);
	}
	return now;
}

uint64_t frames_peek(struct frames_now now)
{
	const struct known *slot = known_slot(now.code);

	return now.code && slot->code == now.code && !slot->library ? key_of(1, now) : 0;
}

bool frames_enter(struct frames *frames, enum frames_way way)
{
	object innermost;

	*frames = (struct frames){ .key = 1 };
	if (way == FRAMES_NONE)
		return false;
	if (way == FRAMES_UNLOCKED) {
		frames->state = frames_py.PyGILState_Ensure();
		frames->taken = true;
	}
	innermost = frames_py.PyEval_GetFrame();
	if (innermost) {
		frames_py.Py_IncRef(innermost);
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
		frames_py.Py_DecRef(frames->frame);
	if (frames->innermost)
		frames_py.Py_DecRef(frames->innermost);
	if (frames->taken)
		frames_py.PyGILState_Release(frames->state);
	frames->frame = frames->innermost = NULL;
	frames->taken = false;
}

uint64_t frames_key(struct frames *frames)
{
	char file[NAME];

	copy_attribute(frames->frame, "co_filename", file, sizeof file);
	return tally_mix(tally_mix_text(1, file), (uint64_t)frames_py.PyFrame_GetLineNumber(frames->frame));
}

/* "file:line function" */
static bool describe_one(object frame, struct line *line)
{
	char text[NAME + 160], *end = text + sizeof text, *at = text;

	copy_attribute(frame, "co_filename", at, NAME);
	at += strlen(at);
	at = text_copy(at, end, ":");
	at = text_number(at, end, frames_py.PyFrame_GetLineNumber(frame));
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
	line_number(line, "line", frames_py.PyFrame_GetLineNumber(frames->frame));
	copy_attribute(frames->frame, "co_name", text, sizeof text);
	line_text(line, "function", text, 160);
	if (!line_list(line, "stack"))
		return;
	frames_py.Py_IncRef(frame);
	for (int depth = 0; frame && depth < 24 && describe_one(frame, line); depth++) {
		back = back_of(frame);
		frames_py.Py_DecRef(frame);
		frame = back;
	}
	if (frame)
		frames_py.Py_DecRef(frame);
	line_list_end(line);
}

bool frames_match(struct frames *frames, const char *file, size_t len, long number)
{
	char text[NAME];
	size_t whole;

	if (frames_py.PyFrame_GetLineNumber(frames->frame) != number)
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
