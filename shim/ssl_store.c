/* The JVM's trust store as a X509_STORE: built once, with the first client
 * handshake of a libssl.  What cannot be read wholly is not trusted in part. */
#include "jks.h"
#include "library.h"
#include "openssl.h"
#include "shim.h"
#include "ssl_store.h"
#include "truststore.h"

#include <stdlib.h>
#include <string.h>

static const char no_certificate[] = "it holds a certificate that cannot be read";
static const char no_memory[] = "out of memory";

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

/* --- PEM ------------------------------------------------------------------- */

static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static int count_blocks(const struct truststore_file *file)
{
	static const char *const begins[] = { "-----BEGIN CERTIFICATE-----", "-----BEGIN X509 CERTIFICATE-----" };
	int count = 0;

	for (size_t kind = 0; kind < 2; kind++) {
		const unsigned char *at = file->data, *end = file->data + file->size;

		while ((at = memmem(at, (size_t)(end - at), begins[kind], strlen(begins[kind]))) != NULL) {
			count++;
			at++;
		}
	}
	return count;
}

static const char *fill_from_pem(struct filling *filling, const struct truststore_file *file)
{
	const struct openssl_calls *call = filling->call;
	BIO *bio = call->BIO_new_mem_buf(file->data, (int)file->size);
	X509 *cert;

	while (bio && (cert = call->PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL)
		add_certificate(filling, cert);
	call->BIO_free(bio);
	return filling->count == count_blocks(file) ? NULL : no_certificate;
}

/* --- JKS ------------------------------------------------------------------- */

static const char *fill_from_jks(struct filling *filling, const struct truststore_file *file, const char *password)
{
	unsigned char digest[64], *digested;
	size_t body = 0, total;
	unsigned length = 0;
	const char *why = jks_read(file->data, file->size, add_der, filling, &body);

	if (why || !*password) /* without a password Java does not look at the digest */
		return why;
	if (file->size - body < JKS_DIGEST)
		return "a truncated JKS store";
	digested = jks_digested(password, file->data, body, &total);
	if (!digested)
		return no_memory;
	if (!filling->call->EVP_Digest(digested, total, digest, &length, filling->call->EVP_sha1(), NULL))
		why = "its digest cannot be computed: this OpenSSL has no SHA-1";
	else if (length != JKS_DIGEST || memcmp(digest, file->data + body, JKS_DIGEST) != 0)
		why = "wrong password";
	free(digested);
	return why;
}

/* --- PKCS12 ---------------------------------------------------------------- */

/* Old stores are encrypted with RC2, which OpenSSL 3 keeps in its legacy provider:
 * read them in a context of our own, and carry bytes alone out of it. */
static const char *list_pkcs12(const struct openssl_calls *call, const struct truststore_file *file,
			       const char *password, struct der_list *list)
{
	OSSL_LIB_CTX *own = call->OSSL_LIB_CTX_new && call->OSSL_PROVIDER_load ? call->OSSL_LIB_CTX_new() : NULL, *outer = NULL;
	OSSL_PROVIDER *standard = NULL, *legacy = NULL;
	const char *why;

	if (own) {
		standard = call->OSSL_PROVIDER_load(own, "default");
		legacy = call->OSSL_PROVIDER_load(own, "legacy");
		outer = call->OSSL_LIB_CTX_set0_default(own);
	}
	why = pkcs12_read(call, file->data, file->size, password, list);
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

static const char *fill_from_pkcs12(struct filling *filling, const struct truststore_file *file, const char *password)
{
	struct der_list list = { 0 };
	const char *why = list_pkcs12(filling->call, file, password, &list);

	for (struct der *der = list.first; der && !why; der = der->next)
		if (!add_der(der->data, der->size, filling))
			why = no_certificate;
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

static X509_STORE *build(struct openssl *lib)
{
	struct filling filling = { &lib->call, lib->call.X509_STORE_new(), 0 };
	const char *why = no_memory;

	if (filling.store)
		why = truststore.source == HOST_STORE ? fill_from_host(&filling) : fill_from_file(&filling);
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
