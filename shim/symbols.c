/* Names of options, flags, families and types, from symbols.def. */
#include "symbols.h"
#include "line.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

struct name {
	int number;
	const char *text;
};

static const struct {
	int level, option;
	const char *level_text, *text;
} options[] = {
#define OPTION_SYMBOL(level, option) { level, option, #level, #option },
#include "symbols.def"
#undef OPTION_SYMBOL
};

static const struct name flags[] = {
#define MESSAGE_FLAG(flag) { (int)flag, #flag },
#include "symbols.def"
#undef MESSAGE_FLAG
};

static const struct name families[] = {
#define FAMILY_SYMBOL(family) { family, #family },
#include "symbols.def"
#undef FAMILY_SYMBOL
};

static const struct name types[] = {
#define TYPE_SYMBOL(type) { type, #type },
#include "symbols.def"
#undef TYPE_SYMBOL
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A text that grows at its end. */
struct text {
	char *at;
	const char *end;
};

static void add(struct text *text, const char *more)
{
	text->at = text_copy(text->at, text->end, more);
}

static void add_number(struct text *text, long long number)
{
	text->at = text_number(text->at, text->end, number);
}

static void add_name(struct text *text, const struct name *names, size_t count, int number)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].number == number) {
			add(text, names[i].text);
			return;
		}
	add_number(text, number);
}

static void add_option(struct text *text, int level, int option)
{
	const char *level_text = NULL;

	for (size_t i = 0; i < COUNT(options); i++) {
		if (options[i].level != level)
			continue;
		level_text = options[i].level_text;
		if (options[i].option != option)
			continue;
		add(text, level_text);
		add(text, ", ");
		add(text, options[i].text);
		return;
	}
	if (level_text)
		add(text, level_text);
	else
		add_number(text, level);
	add(text, ", ");
	add_number(text, option);
}

static void add_flags(struct text *text, int number)
{
	const char *separator = "";

	for (size_t i = 0; i < COUNT(flags); i++) {
		if (!(number & flags[i].number))
			continue;
		add(text, separator);
		add(text, flags[i].text);
		separator = "|";
		number &= ~flags[i].number;
	}
	if (number || !*separator) {
		add(text, separator);
		text->at = text_hex(text->at, text->end, (unsigned)number);
	}
}

static void add_socket(struct text *text, int domain, int type, int protocol)
{
	add_name(text, families, COUNT(families), domain);
	add(text, ", ");
	add_name(text, types, COUNT(types), type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC));
	add(text, type & SOCK_NONBLOCK ? "|SOCK_NONBLOCK" : "");
	add(text, type & SOCK_CLOEXEC ? "|SOCK_CLOEXEC" : "");
	if (protocol) {
		add(text, ", ");
		add_number(text, protocol);
	}
}

static void add_how(struct text *text, int how)
{
	static const char *const names[] = { [SHUT_RD] = "SHUT_RD", [SHUT_WR] = "SHUT_WR", [SHUT_RDWR] = "SHUT_RDWR" };

	if (how >= 0 && how < (int)COUNT(names))
		add(text, names[how]);
	else
		add_number(text, how);
}

bool symbols_arguments(const struct occasion *at, char *start_of_text, size_t size)
{
	struct text text = { start_of_text, start_of_text + size };

	*start_of_text = '\0';
	if (at->level >= 0)
		add_option(&text, at->level, at->option);
	else if (at->shown == SHOW_FLAGS)
		add_flags(&text, at->values[0]);
	else if (at->shown == SHOW_SOCKET)
		add_socket(&text, at->values[0], at->values[1], at->values[2]);
	else if (at->shown == SHOW_BACKLOG)
		add_number(&text, at->values[0]);
	else if (at->shown == SHOW_HOW)
		add_how(&text, at->values[0]);
	return *start_of_text != '\0';
}

void symbols_option(int level, int option, char *start_of_text, size_t size)
{
	struct text text = { start_of_text, start_of_text + size };

	*start_of_text = '\0';
	add_option(&text, level, option);
}

const char *symbols_errno(int number)
{
	const char *name = strerrorname_np(number);

	return name ? name : "ESOCKISBLOCKING";
}
