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

/* Two threads may come here at once: the first one's library stays. */
static struct openssl *add(struct openssl *lib)
{
	static _Atomic unsigned numbers;
	struct openssl *head = atomic_load(&libraries), *other;
	unsigned number;

	do {
		other = find(lib->key);
		if (other) {
			free(lib);
			return other;
		}
		lib->next = head;
	} while (!atomic_compare_exchange_weak(&libraries, &head, lib));
	number = atomic_fetch_add(&numbers, 1) + 1;
	if (number < OPENSSL_NUMBERED) {
		openssl_numbered[number] = lib;
		atomic_store_explicit(&lib->number, number, memory_order_release);
	}
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

struct openssl *openssl_look(void *site)
{
	struct openssl *lib;
	unsigned number;

	start_once();
	lib = openssl_of(site);
	number = lib && lib->ssl ? atomic_load_explicit(&lib->number, memory_order_acquire) : 0;
	if (number && (uintptr_t)site >> 48 == 0)
		atomic_store_explicit(openssl_site(site), (uint64_t)(uintptr_t)site << 16 | number, memory_order_release);
	return lib;
}

/* A site stored meanwhile is one of a library that is still loaded. */
void openssl_forget_sites(void)
{
	for (size_t i = 0; i < OPENSSL_SITES; i++)
		if (atomic_load_explicit(&openssl_sites[i], memory_order_relaxed))
			atomic_store_explicit(&openssl_sites[i], 0, memory_order_relaxed);
}
