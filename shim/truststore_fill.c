/* The store's file, taken apart for a TLS library: what cannot be read wholly is
 * not trusted in part. */
#include "truststore.h"

#include <stdlib.h>
#include <string.h>

/* Each block by itself: a reader stops at the first that it is shown. */
static const char *fill_from_pem(const struct truststore_reader *reader, const struct truststore_file *file, void *arg)
{
	static const char *const begins[] = { "-----BEGIN CERTIFICATE-----", "-----BEGIN X509 CERTIFICATE-----" };
	const unsigned char *end = file->data + file->size, *at;

	for (size_t kind = 0; kind < sizeof begins / sizeof *begins; kind++) {
		at = file->data;
		while ((at = memmem(at, (size_t)(end - at), begins[kind], strlen(begins[kind]))) != NULL) {
			if (!reader->add_pem(at, (size_t)(end - at), arg))
				return TRUSTSTORE_BAD_CERTIFICATE;
			at++;
		}
	}
	return NULL;
}

static const char *fill_from_jks(const struct truststore_reader *reader, const struct truststore_file *file, void *arg)
{
	unsigned char digest[JKS_DIGEST], *digested;
	size_t body = 0, total;
	const char *why = jks_read(file->data, file->size, reader->add_der, arg, &body);

	if (why || !*truststore.password) /* without a password Java does not look at the digest */
		return why;
	if (file->size - body < JKS_DIGEST)
		return "a truncated JKS store";
	digested = jks_digested(truststore.password, file->data, body, &total);
	if (!digested)
		return TRUSTSTORE_NO_MEMORY;
	if (!reader->sha1(digested, total, digest, arg))
		why = "its digest cannot be computed: the TLS library has no SHA-1";
	else if (memcmp(digest, file->data + body, JKS_DIGEST) != 0)
		why = "wrong password";
	free(digested);
	return why;
}

const char *truststore_fill(const struct truststore_reader *reader, void *arg)
{
	struct truststore_file file = { 0 };
	const char *why = truststore_read(&file);

	if (!why) {
		switch (file.kind) {
		case STORE_PEM:
			why = fill_from_pem(reader, &file, arg);
			break;
		case STORE_JKS:
			why = fill_from_jks(reader, &file, arg);
			break;
		case STORE_PKCS12:
			why = reader->add_pkcs12(file.data, file.size, arg);
			break;
		}
	}
	free(file.data);
	return why;
}
