/* Which OpenSSL does a caller mean? */
#include "library.h"
#include "openssl.h"
#include "shim.h"

#include <dlfcn.h>
#include <string.h>

static const struct {
	const char *name;
	size_t offset;
	bool need;
} calls[] = {
#define NEED(result, name, parameters) { #name, offsetof(struct openssl_calls, name), true },
#define MAYBE(result, name, parameters) { #name, offsetof(struct openssl_calls, name), false },
#include "openssl.def"
#undef NEED
#undef MAYBE
};

/* Libraries met so far; grows at the head, never shrinks. */
static _Atomic(struct openssl *) libraries;

static const char in_ssl[] = "SSL_get_ex_data_X509_STORE_CTX_idx", in_crypto[] = "X509_STORE_CTX_init";

/* The libssl that the caller sees; else the libcrypto (*ssl: which of them). */
static struct link_map *provider(const struct link_map *caller, bool *ssl)
{
	void *found = library_sees(caller, in_ssl), *crypto;

	*ssl = true;
	if (found)
		return library_of(found);
	crypto = library_sees(caller, in_crypto);
	if (!crypto)
		found = library_any(caller, in_ssl);
	if (found)
		return library_of(found);
	*ssl = false;
	if (!crypto)
		crypto = library_any(caller, in_crypto);
	return crypto ? library_of(crypto) : NULL;
}

static struct openssl *find(const struct link_map *key)
{
	struct openssl *lib = atomic_load_explicit(&libraries, memory_order_acquire);

	while (lib && lib->key != key)
		lib = lib->next;
	return lib;
}

static void fill(struct openssl *lib, void *handle)
{
	lib->checkable = lib->ssl;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		void *found = dlsym(handle, calls[i].name);

		memcpy((char *)&lib->call + calls[i].offset, &found, sizeof found);
		if (!found && calls[i].need)
			lib->checkable = false;
	}
}

static void free_callback(void *parent, void *data, void *all, int index, long number, void *arg)
{
	(void)parent, (void)all, (void)index, (void)number, (void)arg;
	free(data);
}

/* CRYPTO_EX_INDEX_SSL, _SSL_CTX, _SSL_SESSION */
enum { EX_SSL, EX_SSL_CTX, EX_SSL_SESSION };

static struct openssl *make(struct link_map *map, bool ssl)
{
	void *handle = library_handle(map); /* kept: our pointers into it must stay good */
	struct openssl *lib = handle ? calloc(1, sizeof *lib) : NULL;

	if (!lib)
		return NULL;
	lib->key = map;
	lib->ssl = ssl;
	fill(lib, handle);
	if (ssl && !lib->checkable)
		report_note("tls-verify", "this libssl lacks functions of OpenSSL 1.1.0 and newer: its handshakes are not checked");
	if (lib->checkable) {
		lib->session_index = lib->call.CRYPTO_get_ex_new_index(EX_SSL_SESSION, 0, NULL, NULL, NULL, NULL);
		lib->ssl_index = lib->call.CRYPTO_get_ex_new_index(EX_SSL, 0, NULL, NULL, NULL, NULL);
		lib->ctx_index = lib->call.CRYPTO_get_ex_new_index(EX_SSL_CTX, 0, NULL, NULL, NULL, free_callback);
	}
	return lib;
}

_Atomic uint64_t openssl_sites[OPENSSL_SITES];
struct openssl *openssl_numbered[OPENSSL_NUMBERED]; /* from 1; written once each */

/* Known by a number before it is known to anybody. */
static void number(struct openssl *lib)
{
	static _Atomic unsigned numbers;
	unsigned mine = atomic_fetch_add(&numbers, 1) + 1;

	if (mine >= OPENSSL_NUMBERED)
		return;
	lib->number = mine;
	openssl_numbered[mine] = lib;
}

/* Two threads may come here at once: the first one's library stays. */
static struct openssl *add(struct openssl *lib)
{
	struct openssl *head = atomic_load(&libraries), *other;

	number(lib);
	do {
		other = find(lib->key);
		if (other) {
			openssl_numbered[lib->number] = NULL;
			free(lib);
			return other;
		}
		lib->next = head;
	} while (!atomic_compare_exchange_weak(&libraries, &head, lib));
	return lib;
}

static struct openssl *openssl_of(void *site)
{
	struct link_map *caller = library_of(site), *map;
	struct openssl *lib;
	bool ssl;

	if (!caller) /* code made at run time: it sees what we see */
		caller = library_of((void *)openssl_look);
	if (!caller)
		return NULL;
	lib = find(caller); /* OpenSSL calling itself */
	if (lib)
		return lib;
	map = provider(caller, &ssl);
	if (!map)
		return NULL;
	lib = find(map);
	if (lib)
		return lib;
	lib = make(map, ssl);
	return lib ? add(lib) : NULL;
}

/* Sites are kept in one of a few places: two of them in a loop shall not chase each
 * other out of one. */
enum { TRIES = 4 };

static _Atomic uint64_t *place_of(const void *site, size_t try)
{
	return &openssl_sites[((size_t)(openssl_site(site) - openssl_sites) + try) % OPENSSL_SITES];
}

static struct openssl *recall(const void *site)
{
	for (size_t try = 0; try < TRIES; try++) {
		uint64_t known = atomic_load_explicit(place_of(site, try), memory_order_acquire);

		if (known >> 16 == (uintptr_t)site)
			return openssl_numbered[known & 0xffff];
	}
	return NULL;
}

static void remember(const void *site, const struct openssl *lib)
{
	size_t try = 0;

	if (!lib->ssl || !lib->number || (uintptr_t)site >> 48)
		return;
	while (try < TRIES && atomic_load_explicit(place_of(site, try), memory_order_relaxed))
		try++;
	atomic_store_explicit(place_of(site, try % TRIES), (uint64_t)(uintptr_t)site << 16 | lib->number, memory_order_release);
}

struct openssl *openssl_look(void *site)
{
	struct openssl *lib = recall(site);

	if (lib)
		return lib;
	start_once();
	lib = openssl_of(site);
	if (lib)
		remember(site, lib);
	return lib;
}

/* A site stored meanwhile is one of a library that is still loaded. */
void openssl_forget_sites(void)
{
	for (size_t i = 0; i < OPENSSL_SITES; i++)
		if (atomic_load_explicit(&openssl_sites[i], memory_order_relaxed))
			atomic_store_explicit(&openssl_sites[i], 0, memory_order_relaxed);
}
