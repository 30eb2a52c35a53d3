/* The JVM's trust store for GnuTLS: built once, with the first client handshake. */
#include "gnutls.h"
#include "jks.h"
#include "library.h"
#include "shim.h"

#include <stdlib.h>
#include <string.h>

enum { DIGEST_SHA1 = 3, BAG_CERTIFICATE = 3, BAG_ENCRYPTED = 10, MAC_VERIFY_FAILED = -100 };

static const char no_certificate[] = "it holds a certificate that cannot be read";

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

static bool add_bytes(struct filling *filling, struct gnutls_bytes bytes, int format)
{
	CERTIFICATE *certificate;

	if (filling->call->gnutls_x509_crt_init(&certificate) < 0)
		return false;
	if (filling->call->gnutls_x509_crt_import(certificate, &bytes, format) == 0 &&
	    filling->call->gnutls_x509_trust_list_add_cas(filling->store->list, &certificate, 1, 0) == 1)
		return keep(filling, certificate);
	filling->call->gnutls_x509_crt_deinit(certificate);
	return false;
}

static bool add_der(const unsigned char *der, size_t size, void *filling)
{
	return size <= INT_MAX && add_bytes(filling, (struct gnutls_bytes){ (unsigned char *)(uintptr_t)der, (unsigned)size }, GNUTLS_DER);
}

/* One block after the other; GnuTLS reads the first that it is shown. */
static const char *fill_from_pem(struct filling *filling, struct truststore_file *file)
{
	static const char *const begins[] = { "-----BEGIN CERTIFICATE-----", "-----BEGIN X509 CERTIFICATE-----" };
	unsigned char *end = file->data + file->size;

	for (size_t kind = 0; kind < 2; kind++) {
		unsigned char *at = file->data;

		while ((at = memmem(at, (size_t)(end - at), begins[kind], strlen(begins[kind]))) != NULL) {
			if (!add_bytes(filling, (struct gnutls_bytes){ at, (unsigned)(end - at) }, GNUTLS_PEM))
				return no_certificate;
			at++;
		}
	}
	return NULL;
}

static const char *fill_from_jks(struct filling *filling, const struct truststore_file *file, const char *password)
{
	unsigned char digest[JKS_DIGEST], *digested;
	size_t body = 0, total;
	const char *why = jks_read(file->data, file->size, add_der, filling, &body);

	if (why || !*password)
		return why;
	if (file->size - body < JKS_DIGEST)
		return "a truncated JKS store";
	digested = jks_digested(password, file->data, body, &total);
	if (!digested)
		return "out of memory";
	if (filling->call->gnutls_hash_fast(DIGEST_SHA1, digested, total, digest) < 0)
		why = "its digest cannot be computed: this GnuTLS has no SHA-1";
	else if (memcmp(digest, file->data + body, JKS_DIGEST) != 0)
		why = "wrong password";
	free(digested);
	return why;
}

/* GnuTLS does not tell Oracle's trustedKeyUsage: every certificate counts. */
static const char *fill_from_bag(struct filling *filling, PKCS12_BAG *bag, const char *password)
{
	const struct gnutls_calls *call = filling->call;
	struct gnutls_bytes data;

	if (call->gnutls_pkcs12_bag_get_type(bag, 0) == BAG_ENCRYPTED) {
		if (!*password)
			return NULL; /* Java leaves out what it cannot decrypt */
		if (call->gnutls_pkcs12_bag_decrypt(bag, password) < 0)
			return "a PKCS12 store that cannot be decrypted";
	}
	for (unsigned i = 0; (int)i < call->gnutls_pkcs12_bag_get_count(bag); i++)
		if (call->gnutls_pkcs12_bag_get_type(bag, i) == BAG_CERTIFICATE &&
		    (call->gnutls_pkcs12_bag_get_data(bag, i, &data) < 0 || !add_bytes(filling, data, GNUTLS_DER)))
			return no_certificate;
	return NULL;
}

static const char *fill_from_bags(struct filling *filling, PKCS12_FILE *store, const char *password)
{
	const struct gnutls_calls *call = filling->call;
	const char *why = NULL;
	PKCS12_BAG *bag;

	if (*password && call->gnutls_pkcs12_verify_mac(store, password) == MAC_VERIFY_FAILED)
		return "wrong password";
	for (int i = 0; !why; i++) {
		if (call->gnutls_pkcs12_bag_init(&bag) < 0)
			return "out of memory";
		if (call->gnutls_pkcs12_get_bag(store, i, bag) < 0) {
			call->gnutls_pkcs12_bag_deinit(bag);
			return i ? NULL : "a malformed PKCS12 store";
		}
		why = fill_from_bag(filling, bag, password);
		call->gnutls_pkcs12_bag_deinit(bag);
	}
	return why;
}

static const char *fill_from_pkcs12(struct filling *filling, const struct truststore_file *file, const char *password)
{
	const struct gnutls_calls *call = filling->call;
	struct gnutls_bytes bytes = { file->data, (unsigned)file->size };
	const char *why = "a malformed PKCS12 store";
	PKCS12_FILE *store;

	if (call->gnutls_pkcs12_init(&store) < 0)
		return "out of memory";
	if (call->gnutls_pkcs12_import(store, &bytes, GNUTLS_DER, 0) == 0)
		why = fill_from_bags(filling, store, password);
	call->gnutls_pkcs12_deinit(store);
	return why;
}

static const char *fill_from_file(struct filling *filling)
{
	struct truststore_file file = { 0 };
	const char *why = truststore_read(&file);

	if (!why) {
		switch (file.kind) {
		case STORE_PEM:
			why = fill_from_pem(filling, &file);
			break;
		case STORE_JKS:
			why = fill_from_jks(filling, &file, truststore.password);
			break;
		case STORE_PKCS12:
			why = fill_from_pkcs12(filling, &file, truststore.password);
			break;
		}
	}
	free(file.data);
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
	struct gnutls *lib = arg;
	struct filling filling = { &lib->call, empty(&lib->call) };
	const char *why;

	if (!filling.store)
		return NULL;
	why = truststore.source == HOST_STORE ? fill_from_host(&filling) : fill_from_file(&filling);
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
