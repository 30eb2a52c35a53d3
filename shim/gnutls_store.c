/* The JVM's trust store for GnuTLS: built once, with the first client handshake. */
#include "gnutls.h"
#include "library.h"
#include "shim.h"

#include <stdlib.h>
#include <string.h>

enum { DIGEST_SHA1 = 3, BAG_CERTIFICATE = 3, BAG_ENCRYPTED = 10, MAC_VERIFY_FAILED = -100 };

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

/* GnuTLS does not tell Oracle's trustedKeyUsage: every certificate counts. */
static const char *add_bag(struct filling *filling, PKCS12_BAG *bag)
{
	const struct gnutls_calls *call = filling->call;
	struct gnutls_bytes data;

	if (call->gnutls_pkcs12_bag_get_type(bag, 0) == BAG_ENCRYPTED) {
		if (!*truststore.password)
			return NULL; /* Java leaves out what it cannot decrypt */
		if (call->gnutls_pkcs12_bag_decrypt(bag, truststore.password) < 0)
			return "a PKCS12 store that cannot be decrypted";
	}
	for (unsigned i = 0; (int)i < call->gnutls_pkcs12_bag_get_count(bag); i++)
		if (call->gnutls_pkcs12_bag_get_type(bag, i) == BAG_CERTIFICATE &&
		    (call->gnutls_pkcs12_bag_get_data(bag, i, &data) < 0 || !add_der(data.data, data.size, filling)))
			return TRUSTSTORE_BAD_CERTIFICATE;
	return NULL;
}

static const char *add_bags(struct filling *filling, PKCS12_FILE *store)
{
	const struct gnutls_calls *call = filling->call;
	const char *why = NULL;
	PKCS12_BAG *bag;

	if (*truststore.password && call->gnutls_pkcs12_verify_mac(store, truststore.password) == MAC_VERIFY_FAILED)
		return "wrong password";
	for (int i = 0; !why; i++) {
		if (call->gnutls_pkcs12_bag_init(&bag) < 0)
			return TRUSTSTORE_NO_MEMORY;
		if (call->gnutls_pkcs12_get_bag(store, i, bag) < 0) {
			call->gnutls_pkcs12_bag_deinit(bag);
			return i ? NULL : "a malformed PKCS12 store";
		}
		why = add_bag(filling, bag);
		call->gnutls_pkcs12_bag_deinit(bag);
	}
	return why;
}

static const char *add_pkcs12(const unsigned char *data, size_t size, void *arg)
{
	struct filling *filling = arg;
	const struct gnutls_calls *call = filling->call;
	struct gnutls_bytes bytes = { (unsigned char *)(uintptr_t)data, (unsigned)size };
	const char *why = "a malformed PKCS12 store";
	PKCS12_FILE *store;

	if (call->gnutls_pkcs12_init(&store) < 0)
		return TRUSTSTORE_NO_MEMORY;
	if (call->gnutls_pkcs12_import(store, &bytes, GNUTLS_DER, 0) == 0)
		why = add_bags(filling, store);
	call->gnutls_pkcs12_deinit(store);
	return why;
}

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
