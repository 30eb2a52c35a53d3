/* libFuzzer target: the JKS reader on any bytes.  The first certificates go to
 * OpenSSL as they would in the shim. */
#include "jks.h"

#include <openssl/x509.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool parse(const unsigned char *der, size_t size, void *arg)
{
	X509 *certificate = size <= INT32_MAX ? d2i_X509(NULL, &der, (long)size) : NULL;

	(void)arg;
	X509_free(certificate);
	return certificate != NULL;
}

/* Entries whose certificates cannot be parsed are worth reading too. */
static bool touch(const unsigned char *der, size_t size, void *arg)
{
	volatile unsigned char *last = arg;

	if (size)
		*last = der[size - 1];
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char last, *digested;
	size_t body = 0, total;
	char password[8] = { 0 };

	jks_read(data, size, parse, NULL, &body);
	if (jks_read(data, size, touch, &last, &body) == NULL && body > size)
		abort();
	for (size_t i = 0; i < sizeof password - 1 && i < size; i++)
		password[i] = (char)data[size - 1 - i];
	digested = jks_digested(password, data, size, &total);
	if (digested && total > 2 * sizeof password + 16 + size)
		abort();
	free(digested);
	return 0;
}
