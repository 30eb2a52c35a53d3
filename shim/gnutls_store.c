/* The JVM's trust store for GnuTLS: built once, with the first client handshake. */
#include "gnutls.h"
#include "library.h"
#include "shim.h"

#include <stdlib.h>
#include <string.h>

enum { DIGEST_SHA1 = 3, MAC_VERIFY_FAILED = -100 };
enum { BAG_ENCRYPTED_KEY = 1, BAG_KEY = 2, BAG_CERTIFICATE = 3, BAG_ENCRYPTED = 10 };

struct filling {
	const struct gnutls_calls *call;
	struct gnutls_store *store;
};

static bool keep(struct filling *filling, CERTIFICATE *certificate)
{
	struct gnutls_store *store = filling->store;
	CERTIFICATE **more = realloc(store->anchors, (store->count + 1) * sizeof *more);

	if (!more)
		return false;
	store->anchors = more;
	more[store->count++] = certificate;
	return true;
}

static bool add(const unsigned char *data, size_t size, struct filling *filling, int format)
{
	struct gnutls_bytes bytes = { (unsigned char *)(uintptr_t)data, (unsigned)size };
	CERTIFICATE *certificate;

	if (size > INT_MAX || filling->call->gnutls_x509_crt_init(&certificate) < 0)
		return false;
	if (filling->call->gnutls_x509_crt_import(certificate, &bytes, format) == 0 &&
	    filling->call->gnutls_x509_trust_list_add_cas(filling->store->list, &certificate, 1, 0) == 1)
		return keep(filling, certificate);
	filling->call->gnutls_x509_crt_deinit(certificate);
	return false;
}

static bool add_der(const unsigned char *der, size_t size, void *filling)
{
	return add(der, size, filling, GNUTLS_DER);
}

static bool add_pem(const unsigned char *text, size_t size, void *filling)
{
	return add(text, size, filling, GNUTLS_PEM);
}

static bool sha1(const unsigned char *data, size_t size, unsigned char *digest, void *arg)
{
	return ((struct filling *)arg)->call->gnutls_hash_fast(DIGEST_SHA1, data, size, digest) == 0;
}

/* --- PKCS12 ---------------------------------------------------------------- */

struct pkcs12 {
	struct filling *filling;
	PKCS12_FILE *file;
};

/* NULL, or why the store is refused. */
typedef const char *visit_element(const struct pkcs12 *store, PKCS12_BAG *bag, unsigned i, void *arg);

static const char *walk_bag(const struct pkcs12 *store, PKCS12_BAG *bag, visit_element *visit, void *arg)
{
	const struct gnutls_calls *call = store->filling->call;
	const char *why = NULL;

	if (call->gnutls_pkcs12_bag_get_type(bag, 0) == BAG_ENCRYPTED) {
		if (!*truststore.password)
			return NULL; /* Java leaves out what it cannot decrypt */
		if (call->gnutls_pkcs12_bag_decrypt(bag, truststore.password) < 0)
			return "a PKCS12 store that cannot be decrypted";
	}
	for (unsigned i = 0; (int)i < call->gnutls_pkcs12_bag_get_count(bag) && !why; i++)
		why = visit(store, bag, i, arg);
	return why;
}

static const char *walk(const struct pkcs12 *store, visit_element *visit, void *arg)
{
	const struct gnutls_calls *call = store->filling->call;
	const char *why = NULL;
	PKCS12_BAG *bag;

	for (int i = 0; !why; i++) {
		if (call->gnutls_pkcs12_bag_init(&bag) < 0)
			return TRUSTSTORE_NO_MEMORY;
		if (call->gnutls_pkcs12_get_bag(store->file, i, bag) < 0) {
			call->gnutls_pkcs12_bag_deinit(bag);
			return i ? NULL : "a malformed PKCS12 store";
		}
		why = walk_bag(store, bag, visit, arg);
		call->gnutls_pkcs12_bag_deinit(bag);
	}
	return why;
}

struct wanted {
	struct gnutls_bytes id;
	bool found;
};

static const char *look_for_key(const struct pkcs12 *store, PKCS12_BAG *bag, unsigned i, void *arg)
{
	const struct gnutls_calls *call = store->filling->call;
	struct wanted *key = arg;
	struct gnutls_bytes id = { 0 };
	int type = call->gnutls_pkcs12_bag_get_type(bag, i);

	if ((type == BAG_ENCRYPTED_KEY || type == BAG_KEY) && call->gnutls_pkcs12_bag_get_key_id(bag, i, &id) == 0 &&
	    id.size == key->id.size && memcmp(id.data, key->id.data, id.size) == 0)
		key->found = true;
	return NULL;
}

/* Java trusts what carries Oracle's trustedKeyUsage, and the certificates of keys.
 * GnuTLS does not show the former: it is told by the alias that such an entry has,
 * and the certificates that only complete a key's chain have not. */
static bool is_trusted(const struct pkcs12 *store, PKCS12_BAG *bag, unsigned i)
{
	const struct gnutls_calls *call = store->filling->call;
	struct wanted key = { .found = false };
	char *alias = NULL;

	if (call->gnutls_pkcs12_bag_get_key_id(bag, i, &key.id) == 0 && key.id.size) {
		walk(store, look_for_key, &key);
		return key.found;
	}
	return call->gnutls_pkcs12_bag_get_friendly_name(bag, i, &alias) == 0 && alias;
}

static const char *add_trusted(const struct pkcs12 *store, PKCS12_BAG *bag, unsigned i, void *arg)
{
	const struct gnutls_calls *call = store->filling->call;
	struct gnutls_bytes data;

	(void)arg;
	if (call->gnutls_pkcs12_bag_get_type(bag, i) != BAG_CERTIFICATE || !is_trusted(store, bag, i))
		return NULL;
	return call->gnutls_pkcs12_bag_get_data(bag, i, &data) == 0 && add_der(data.data, data.size, store->filling) ?
		NULL : TRUSTSTORE_BAD_CERTIFICATE;
}

static const char *add_pkcs12(const unsigned char *data, size_t size, void *arg)
{
	struct pkcs12 store = { .filling = arg };
	const struct gnutls_calls *call = store.filling->call;
	struct gnutls_bytes bytes = { (unsigned char *)(uintptr_t)data, (unsigned)size };
	const char *why = "a malformed PKCS12 store";

	if (call->gnutls_pkcs12_init(&store.file) < 0)
		return TRUSTSTORE_NO_MEMORY;
	if (call->gnutls_pkcs12_import(store.file, &bytes, GNUTLS_DER, 0) == 0) {
		if (*truststore.password && call->gnutls_pkcs12_verify_mac(store.file, truststore.password) == MAC_VERIFY_FAILED)
			why = "wrong password";
		else
			why = walk(&store, add_trusted, NULL);
	}
	call->gnutls_pkcs12_deinit(store.file);
	return why;
}

/* --- the store ------------------------------------------------------------- */

static const char *fill_from_host(struct filling *filling)
{
	const struct gnutls_calls *call = filling->call;
	TRUST_LIST *list = filling->store->list;
	CERTIFICATE *certificate;
	void *place = NULL;
	int count = truststore.host_file[0] ?
		call->gnutls_x509_trust_list_add_trust_file(list, truststore.host_file, NULL, GNUTLS_PEM, 0, 0) :
		call->gnutls_x509_trust_list_add_system_trust(list, 0, 0);

	if (count < 0)
		return "it cannot be read";
	while (call->gnutls_x509_trust_list_iter_get_ca(list, &place, &certificate) == 0)
		if (!keep(filling, certificate))
			call->gnutls_x509_crt_deinit(certificate);
	call->gnutls_x509_trust_list_iter_deinit(place);
	return NULL;
}

static struct gnutls_store *empty(const struct gnutls_calls *call)
{
	struct gnutls_store *store = calloc(1, sizeof *store);

	if (store && call->gnutls_x509_trust_list_init(&store->list, 0) < 0) {
		free(store);
		return NULL;
	}
	return store;
}

static void *build(void *arg)
{
	static const struct truststore_reader reader = { add_der, add_pem, add_pkcs12, sha1 };
	struct gnutls *lib = arg;
	struct filling filling = { &lib->call, empty(&lib->call) };
	const char *why;

	if (!filling.store)
		return NULL;
	why = truststore.source == HOST_STORE ? fill_from_host(&filling) : truststore_fill(&reader, &filling);
	if (!why && filling.store->count == 0)
		why = "it holds no trusted certificate";
	truststore_used(library_name(lib->key));
	if (!why)
		return filling.store;
	truststore_refused(why);
	lib->call.gnutls_x509_trust_list_deinit(filling.store->list, 1);
	free(filling.store->anchors);
	free(filling.store);
	return empty(&lib->call);
}

struct gnutls_store *gnutls_store(struct gnutls *lib)
{
	return truststore_once(&lib->store, build, lib);
}
