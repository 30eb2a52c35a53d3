/* Reading JKS: magic, version, count, entries, SHA-1.  All numbers big-endian. */
#include "jks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char truncated[] = "a truncated JKS store", malformed[] = "a malformed JKS store";

enum { KEY_ENTRY = 1, CERTIFICATE_ENTRY = 2 };

/* The rest of the file; `bad` once something did not fit. */
struct rest {
	const unsigned char *at;
	size_t left;
	bool bad;
};

static const unsigned char *take(struct rest *rest, size_t size)
{
	const unsigned char *at = rest->at;

	if (rest->bad || size > rest->left) {
		rest->bad = true;
		return NULL;
	}
	rest->at += size;
	rest->left -= size;
	return at;
}

static uint32_t number(struct rest *rest, size_t size)
{
	const unsigned char *at = take(rest, size);
	uint32_t value = 0;

	for (size_t i = 0; at && i < size; i++)
		value = value << 8 | at[i];
	return value;
}

static void skip_text(struct rest *rest)
{
	take(rest, number(rest, 2));
}

static const char *certificate(struct rest *rest, uint32_t version, bool trusted, jks_visit *visit, void *arg)
{
	static const char x509[] = { 'X', '.', '5', '0', '9' };
	const unsigned char *type, *der;
	size_t size;

	if (version == 2) {
		size = number(rest, 2);
		type = take(rest, size);
		if (type && (size != sizeof x509 || memcmp(type, x509, size) != 0))
			return "a JKS store with certificates of another kind";
	}
	size = number(rest, 4);
	der = take(rest, size);
	if (der && trusted && !visit(der, size, arg))
		return malformed;
	return NULL;
}

static const char *entry(struct rest *rest, uint32_t version, jks_visit *visit, void *arg)
{
	uint32_t tag = number(rest, 4), certificates = 1;
	const char *why = NULL;

	skip_text(rest);  /* alias */
	take(rest, 8);    /* date */
	if (tag == KEY_ENTRY) {
		take(rest, number(rest, 4));
		certificates = number(rest, 4);
	} else if (tag != CERTIFICATE_ENTRY) {
		return rest->bad ? truncated : malformed;
	}
	for (uint32_t i = 0; i < certificates && !rest->bad && !why; i++)
		why = certificate(rest, version, i == 0, visit, arg);
	return why ? why : rest->bad ? truncated : NULL;
}

const char *jks_read(const unsigned char *data, size_t size, jks_visit *visit, void *arg, size_t *body)
{
	struct rest rest = { data, size, false };
	uint32_t magic = number(&rest, 4), version = number(&rest, 4), entries = number(&rest, 4);
	const char *why = NULL;

	if (rest.bad)
		return truncated;
	if (magic != 0xfeedfeed || (version != 1 && version != 2))
		return malformed;
	for (uint32_t i = 0; i < entries && !why; i++)
		why = entry(&rest, version, visit, arg);
	*body = size - rest.left;
	return why;
}

/* One character of UTF-8; 0: not one. */
static uint32_t character(const unsigned char **text)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	const unsigned char *at = *text;
	int length = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
	uint32_t value = length == 1 ? *at : *at ^ lead[length];

	for (int i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3f);
	}
	*text += length;
	return value < 0x110000 ? value : 0;
}

static unsigned char *put16(unsigned char *to, uint32_t value)
{
	*to++ = (unsigned char)(value >> 8);
	*to++ = (unsigned char)value;
	return to;
}

unsigned char *jks_digested(const char *password, const unsigned char *body, size_t size, size_t *total)
{
	static const char phrase[] = { 'M', 'i', 'g', 'h', 't', 'y', ' ', 'A', 'p', 'h', 'r', 'o', 'd', 'i', 't', 'e' };
	const unsigned char *text = (const unsigned char *)password;
	unsigned char *all = malloc(2 * strlen(password) + sizeof phrase + size), *to = all;
	uint32_t value;

	while (all && *text) {
		value = character(&text);
		if (value == 0) {
			free(all);
			return NULL;
		}
		if (value >= 0x10000) {
			to = put16(to, 0xd800 + ((value - 0x10000) >> 10));
			value = 0xdc00 + (value & 0x3ff);
		}
		to = put16(to, value);
	}
	if (!all)
		return NULL;
	memcpy(to, phrase, sizeof phrase);
	memcpy(to + sizeof phrase, body, size);
	*total = (size_t)(to - all) + sizeof phrase + size;
	return all;
}
