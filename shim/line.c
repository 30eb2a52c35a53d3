/* JSON, put together by hand. */
#include "line.h"

#include <string.h>
#include <time.h>

/* Kept free for what closes the line. */
enum { CLOSING = 16 };

static size_t room(const struct line *line)
{
	return LINE_SIZE - CLOSING - line->used;
}

static void put(struct line *line, const char *text, size_t len)
{
	memcpy(line->text + line->used, text, len);
	line->used += len;
}

static void put_separator(struct line *line)
{
	if (line->comma)
		put(line, ",", 1);
	line->comma = true;
}

static bool put_name(struct line *line, const char *name)
{
	size_t len = strlen(name);

	if (room(line) < len + 40) /* the quotes, and a number or a short text */
		return false;
	put_separator(line);
	put(line, "\"", 1);
	put(line, name, len);
	put(line, "\":", 2);
	return true;
}

/* Length of the UTF-8 character at text; 0: there is none. */
static size_t character(const unsigned char *text)
{
	size_t len = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : text[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < len; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return len;
}

static void put_string(struct line *line, const char *text, size_t most)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t limit = line->used + most;

	put(line, "\"", 1);
	while (*at && line->used < limit && room(line) > 8) {
		char escaped[] = { '\\', 'u', '0', '0', "0123456789abcdef"[*at >> 4], "0123456789abcdef"[*at & 15] };
		size_t len = character(at);

		if (len == 0)
			put(line, "\\ufffd", 6);
		else if (*at == '"' || *at == '\\' || *at < 0x20 || *at == 0x7f)
			put(line, escaped, sizeof escaped);
		else
			put(line, (const char *)at, len);
		at += len ? len : 1;
	}
	put(line, "\"", 1);
}

void line_begin(struct line *line)
{
	line->used = 0;
	line->comma = false;
	put(line, "{", 1);
}

void line_number(struct line *line, const char *name, long long number)
{
	char digits[24];

	if (!put_name(line, name))
		return;
	put(line, digits, (size_t)(text_number(digits, digits + sizeof digits, number) - digits));
}

void line_text(struct line *line, const char *name, const char *text, size_t most)
{
	if (text && put_name(line, name))
		put_string(line, text, most);
}

void line_time(struct line *line, const char *name)
{
	char digits[40], *at, fraction[] = "000000";
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0 || !put_name(line, name))
		return;
	at = text_number(digits, digits + sizeof digits, now.tv_sec);
	*at++ = '.';
	for (long micros = now.tv_nsec / 1000, i = 5; i >= 0; i--, micros /= 10)
		fraction[i] = (char)('0' + micros % 10);
	memcpy(at, fraction, 6);
	put(line, digits, (size_t)(at + 6 - digits));
}

bool line_list(struct line *line, const char *name)
{
	if (!put_name(line, name))
		return false;
	put(line, "[", 1);
	line->comma = false;
	return true;
}

bool line_item(struct line *line, const char *text, size_t most)
{
	size_t len = strlen(text);

	if (room(line) < (len < most ? len : most) + 24)
		return false;
	put_separator(line);
	put_string(line, text, most);
	return true;
}

void line_list_end(struct line *line)
{
	put(line, "]", 1);
	line->comma = true;
}

void line_end(struct line *line)
{
	put(line, "}\n", 2);
}

char *text_copy(char *at, const char *end, const char *text)
{
	while (*text && at < end - 1)
		*at++ = *text++;
	*at = '\0';
	return at;
}

char *text_number(char *at, const char *end, long long number)
{
	unsigned long long rest = number < 0 ? -(unsigned long long)number : (unsigned long long)number;
	char digits[24], *first = digits + sizeof digits - 1;

	*first = '\0';
	do {
		*--first = (char)('0' + rest % 10);
	} while (rest /= 10);
	if (number < 0)
		*--first = '-';
	return text_copy(at, end, first);
}

char *text_hex(char *at, const char *end, unsigned long long number)
{
	char digits[24], *first = digits + sizeof digits - 1;

	*first = '\0';
	do {
		*--first = "0123456789abcdef"[number % 16];
	} while (number /= 16);
	*--first = 'x';
	*--first = '0';
	return text_copy(at, end, first);
}
