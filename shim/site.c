/* A call site is a line of Python, or an address in a module. */
#include "site.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <unwind.h>

void site_enter(struct site *site, const struct occasion *at, enum frames_way way)
{
	site->python = frames_enter(&site->frames, way);
	site->address = at->site;
	site->key = site->python ? site->frames.key : site_native_key(at);
}

void site_leave(struct site *site)
{
	if (site->python)
		frames_leave(&site->frames);
	site->python = false;
}

uint64_t site_key(struct site *site)
{
	return site->python ? frames_key(&site->frames) : site->key;
}

/* The module of an address, by the name and the offset that addr2line takes.  A
 * return address is one past its call: the call itself is meant. */
struct place {
	const char *module, *symbol;
	uintptr_t offset;
	bool ours;
};

extern const char __ehdr_start[] __attribute__((visibility("hidden"))); /* where this library begins */

static char program[512]; /* the main program's file, which the loader does not name */

void site_prepare(void)
{
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);

	program[len < 0 ? 0 : len] = '\0';
}

static bool find_place(const void *address, struct place *place)
{
	struct link_map *map;
	Dl_info info;

	if (!address || !dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP))
		return false;
	place->module = map->l_name && map->l_name[0] ? map->l_name : program[0] ? program : info.dli_fname;
	place->symbol = info.dli_sname;
	place->ours = map->l_addr == (uintptr_t)__ehdr_start;
	place->offset = (uintptr_t)address - map->l_addr - 1;
	return place->module != NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Our own functions stand between OpenSSL and its caller. */
static bool is_openssl(const char *module)
{
	const char *name = base_name(module);

	return strncmp(name, "libssl.", 7) == 0 || strncmp(name, "libcrypto.", 10) == 0;
}

bool site_is_openssl(const void *site)
{
	static _Atomic uintptr_t known[64]; /* address and answer */
	uintptr_t address = (uintptr_t)site;
	_Atomic uintptr_t *slot = &known[(address >> 1) % (sizeof known / sizeof *known)];
	uintptr_t cached = atomic_load_explicit(slot, memory_order_relaxed);
	struct place place;
	bool openssl;

	if (cached >> 1 == (address & (UINTPTR_MAX >> 1)))
		return cached & 1;
	openssl = find_place(site, &place) && (place.ours || is_openssl(place.module));
	atomic_store_explicit(slot, address << 1 | openssl, memory_order_relaxed);
	return openssl;
}

struct way_out {
	const void *from, *to;
	bool begun;
	int depth;
};

static _Unwind_Reason_Code leave_openssl(struct _Unwind_Context *context, void *argument)
{
	struct way_out *way = argument;
	const void *address = (const void *)_Unwind_GetIP(context);

	way->begun = way->begun || address == way->from;
	if (way->begun && !site_is_openssl(address)) {
		way->to = address;
		return _URC_END_OF_STACK;
	}
	return ++way->depth < 64 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

const void *site_outside(const void *address)
{
	struct way_out way = { .from = address, .to = address };

	_Unwind_Backtrace(leave_openssl, &way);
	return way.to;
}

struct trace {
	struct line *line;
	const void *from; /* the first frame of interest */
	bool begun;
	int depth;
};

/* "module+0xoffset symbol" */
static _Unwind_Reason_Code trace_one(struct _Unwind_Context *context, void *argument)
{
	struct trace *trace = argument;
	const void *address = (const void *)_Unwind_GetIP(context);
	char text[640], *end = text + sizeof text, *at;
	struct place place;

	trace->begun = trace->begun || address == trace->from;
	if (!trace->begun)
		return ++trace->depth < 32 ? _URC_NO_REASON : _URC_END_OF_STACK;
	if (!find_place(address, &place))
		return _URC_END_OF_STACK;
	at = text_copy(text, end, place.module);
	at = text_copy(at, end, "+");
	at = text_hex(at, end, place.offset);
	at = text_copy(at, end, " ");
	text_copy(at, end, place.symbol ? place.symbol : "?");
	return line_item(trace->line, text, sizeof text) && ++trace->depth < 48 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void describe_native(const void *address, struct line *line)
{
	struct trace trace = { .line = line, .from = address };
	char offset[24];
	struct place place;

	if (!find_place(address, &place))
		return;
	line_text(line, "module", place.module, 512);
	text_hex(offset, offset + sizeof offset, place.offset);
	line_text(line, "offset", offset, sizeof offset);
	line_text(line, "symbol", place.symbol, 160);
	if (line_list(line, "return_addresses")) {
		_Unwind_Backtrace(trace_one, &trace);
		line_list_end(line);
	}
}

void site_describe(struct site *site, struct line *line)
{
	if (site->python)
		frames_describe(&site->frames, line);
	else
		describe_native(site->address, line);
}

static bool match_native(const void *address, const char *place, size_t len)
{
	char text[512], *end = text + sizeof text, *at;
	struct place here;

	if (!find_place(address, &here))
		return false;
	at = text_copy(text, end, base_name(here.module));
	at = text_copy(at, end, "+");
	at = text_hex(at, end, here.offset);
	return (size_t)(at - text) == len && memcmp(text, place, len) == 0;
}

bool site_match(struct site *site, const char *place, size_t len)
{
	const char *colon = memrchr(place, ':', len);
	long number = 0;

	if (!site->python)
		return match_native(site->address, place, len);
	if (!colon)
		return false;
	for (const char *digit = colon + 1; digit < place + len; digit++)
		number = number * 10 + (*digit - '0');
	return frames_match(&site->frames, place, (size_t)(colon - place), number);
}
