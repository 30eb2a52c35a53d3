/* The JVM's trust store as a X509_STORE: built once, with the first client
 * handshake of a libssl. */
#include "library.h"
#include "openssl.h"
#include "shim.h"
#include "ssl_store.h"
#include "truststore.h"

#include <stdlib.h>
#include <string.h>

struct filling {
	const struct openssl_calls *call;
	X509_STORE *store;
	int count;
};

static bool add_certificate(struct filling *filling, X509 *cert)
{
	bool added = cert && filling->call->X509_STORE_add_cert(filling->store, cert);

	filling->call->X509_free(cert);
	filling->count += added;
	return added;
}

static bool add_der(const unsigned char *der, size_t size, void *arg)
{
	struct filling *filling = arg;

	return size <= INT_MAX && add_certificate(filling, filling->call->d2i_X509(NULL, &der, (long)size));
}

static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static bool add_pem(const unsigned char *text, size_t size, void *arg)
{
	struct filling *filling = arg;
	BIO *bio = size <= INT_MAX ? filling->call->BIO_new_mem_buf(text, (int)size) : NULL;
	bool added = bio && add_certificate(filling, filling->call->PEM_read_bio_X509(bio, NULL, no_password, NULL));

	filling->call->BIO_free(bio);
	return added;
}

static bool sha1(const unsigned char *data, size_t size, unsigned char *digest, void *arg)
{
	const struct openssl_calls *call = ((struct filling *)arg)->call;

	return call->EVP_Digest(data, size, digest, NULL, call->EVP_sha1(), NULL);
}

/* --- PKCS12 ---------------------------------------------------------------- */

/* Old stores are encrypted with RC2, which OpenSSL 3 keeps in its legacy provider:
 * read them in a context of our own, and carry bytes alone out of it. */
static const char *list_pkcs12(const struct openssl_calls *call, const unsigned char *data, size_t size,
			       struct der_list *list)
{
	OSSL_LIB_CTX *own = call->OSSL_LIB_CTX_new && call->OSSL_PROVIDER_load ? call->OSSL_LIB_CTX_new() : NULL, *outer = NULL;
	OSSL_PROVIDER *standard = NULL, *legacy = NULL;
	const char *why;

	if (own) {
		standard = call->OSSL_PROVIDER_load(own, "default");
		legacy = call->OSSL_PROVIDER_load(own, "legacy");
		outer = call->OSSL_LIB_CTX_set0_default(own);
	}
	why = pkcs12_read(call, data, size, truststore.password, list);
	if (own) {
		call->OSSL_LIB_CTX_set0_default(outer);
		if (legacy)
			call->OSSL_PROVIDER_unload(legacy);
		if (standard)
			call->OSSL_PROVIDER_unload(standard);
		call->OSSL_LIB_CTX_free(own);
	}
	return why;
}

static const char *add_pkcs12(const unsigned char *data, size_t size, void *arg)
{
	struct filling *filling = arg;
	struct der_list list = { 0 };
	const char *why = list_pkcs12(filling->call, data, size, &list);

	for (struct der *der = list.first; der && !why; der = der->next)
		if (!add_der(der->data, der->size, filling))
			why = TRUSTSTORE_BAD_CERTIFICATE;
	der_list_free(&list);
	return why;
}

/* --- the store ------------------------------------------------------------- */

static const char *fill_from_host(struct filling *filling)
{
	const struct openssl_calls *call = filling->call;
	const char *file = truststore.host_file, *directory = truststore.host_directory;
	int loaded = call->X509_STORE_load_locations(filling->store, *file ? file : call->X509_get_default_cert_file(), NULL);

	loaded += call->X509_STORE_load_locations(filling->store, NULL, *directory ? directory : call->X509_get_default_cert_dir());
	filling->count = loaded; /* of files and directories; what they hold is not counted */
	return loaded ? NULL : "neither file nor directory can be read";
}

static X509_STORE *build(struct openssl *lib)
{
	static const struct truststore_reader reader = { add_der, add_pem, add_pkcs12, sha1 };
	struct filling filling = { &lib->call, lib->call.X509_STORE_new(), 0 };
	const char *why = TRUSTSTORE_NO_MEMORY;

	if (filling.store)
		why = truststore.source == HOST_STORE ? fill_from_host(&filling) : truststore_fill(&reader, &filling);
	if (!why && filling.count == 0)
		why = "it holds no trusted certificate";
	truststore_used(library_name(lib->key));
	if (!why)
		return filling.store;
	truststore_refused(why);
	lib->call.X509_STORE_free(filling.store);
	return lib->call.X509_STORE_new();
}

static void *build_for(void *lib)
{
	return build(lib);
}

X509_STORE *ssl_store(struct openssl *lib)
{
	return truststore_once(&lib->store, build_for, lib);
}
