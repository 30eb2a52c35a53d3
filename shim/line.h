/* One line of JSON under construction, on the stack: no malloc, no stdio.  It
 * stays whole JSON however much is put into it: what has no room is cut or left
 * out. */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stddef.h>

enum { LINE_SIZE = 4000 }; /* below PIPE_BUF */

struct line {
	size_t used;
	bool comma; /* the next thing needs one before it */
	char text[LINE_SIZE];
};

void line_begin(struct line *line);

/* "name":number, "name":"text" (cut after `most` bytes), "name":seconds. */
void line_number(struct line *line, const char *name, long long number);
void line_text(struct line *line, const char *name, const char *text, size_t most);
void line_time(struct line *line, const char *name);

/* "name":[ "item", … ].  False: no room; then no item and no end either. */
bool line_list(struct line *line, const char *name);
bool line_item(struct line *line, const char *text, size_t most); /* false: no room */
void line_list_end(struct line *line);

/* Close it, newline and all. */
void line_end(struct line *line);

/* Append a number in decimal, or in hexadecimal with 0x, to a string; returns its
 * new end.  For texts that are put together before they become a field. */
char *text_number(char *at, const char *end, long long number);
char *text_hex(char *at, const char *end, unsigned long long number);
char *text_copy(char *at, const char *end, const char *text);

#endif
