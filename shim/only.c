/* The list of JYTHONSOCK_ONLY: parsed at start, constant afterwards but for the
 * counters. */
#include "only.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 1024, TEXT = 65536 };

static struct only {
	unsigned short rule;
	const char *place;   /* in text; NULL: anywhere */
	size_t length;
	unsigned long first, last;
	_Atomic unsigned long seen;
} entries[ENTRIES];

static int entry_count;
static char text[TEXT]; /* ours: a program may overwrite its environment */

bool only_set;

static int rule_find(const char *name, size_t length)
{
	for (int rule = 0; rule < RULES; rule++)
		if (strlen(rule_name((enum rule)rule)) == length && memcmp(name, rule_name((enum rule)rule), length) == 0)
			return rule;
	return -1;
}

/* "#2" or "#2-5" at the end of an entry; true if it is one. */
static bool parse_occurrences(const char *from, const char *end, struct only *entry)
{
	char *after;

	entry->first = entry->last = strtoul(from, &after, 10);
	if (after > from && after < end && *after == '-') {
		from = after + 1;
		entry->last = strtoul(from, &after, 10);
	}
	return after > from && after == end && entry->first > 0 && entry->first <= entry->last;
}

/* rule, rule@file:line, rule@module+0xoffset; each may end in #occurrence or
 * #first-last.  len bytes at `from`. */
static const char *parse_entry(const char *from, size_t len, struct only *entry)
{
	const char *end = from + len, *hash = memrchr(from, '#', len);
	const char *place = memchr(from, '@', len);
	const char *stop = hash ? hash : end;
	int rule = rule_find(from, (size_t)((place && place < stop ? place : stop) - from));

	*entry = (struct only){ .first = 1, .last = ~0UL };
	if (rule < 0)
		return "names no rule";
	entry->rule = (unsigned short)rule;
	if (place && place < stop) {
		entry->place = place + 1;
		entry->length = (size_t)(stop - place - 1);
		if (!memchr(entry->place, ':', entry->length) && !memchr(entry->place, '+', entry->length))
			return "names no call site (file:line or module+0xoffset)";
	}
	if (hash && !parse_occurrences(hash + 1, end, entry))
		return "ends in no occurrence (#2 or #2-5)";
	return NULL;
}

bool only_parse(const char *value, char *reason, size_t size)
{
	bool listed[RULES] = { false };
	const char *at = text, *wrong;

	if (strlen(value) >= sizeof text) {
		snprintf(reason, size, "more than %d bytes", TEXT - 1);
		return false;
	}
	memcpy(text, value, strlen(value) + 1);
	for (size_t len; *at; at += len + (at[len] == ',')) {
		len = strcspn(at, ",");
		wrong = entry_count == ENTRIES ? "is one too many" : parse_entry(at, len, &entries[entry_count]);
		if (wrong) {
			snprintf(reason, size, "'%.*s' %s; give rule@file:line#occurrence", (int)(len < 200 ? len : 200), at, wrong);
			return false;
		}
		listed[entries[entry_count++].rule] = true;
	}
	only_set = true;
	site_prepare();
	for (int rule = 0; rule < RULES; rule++) {
		if (listed[rule])
			policy.mode[rule] = ENFORCE;
		else if (policy.mode[rule] == ENFORCE)
			policy.mode[rule] = REPORT;
	}
	return true;
}

static bool is_about(const struct only *entry, enum rule rule, struct site *site)
{
	return entry->rule == rule && (!entry->place || site_match(site, entry->place, entry->length));
}

bool only_covers(enum rule rule, struct site *site)
{
	for (int i = 0; i < entry_count; i++)
		if (is_about(&entries[i], rule, site))
			return true;
	return false;
}

/* The program's threads may come here together: each takes its own number.  Entries
 * of one place count alike, as each sees all of its occurrences. */
bool only_admits(enum rule rule, struct site *site)
{
	bool admitted = false;

	for (int i = 0; i < entry_count; i++) {
		struct only *entry = &entries[i];
		unsigned long number;

		if (!is_about(entry, rule, site))
			continue;
		number = atomic_fetch_add(&entry->seen, 1) + 1;
		admitted = admitted || (number >= entry->first && number <= entry->last);
	}
	return admitted;
}
