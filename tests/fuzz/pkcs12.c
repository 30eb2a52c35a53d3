/* libFuzzer target: the PKCS12 reader on any bytes, without a password and, where
 * the digest asks for little work, with one. */
#include "ssl_store.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct openssl_calls call;

static void find(void)
{
#define NEED(result, name, parameters) *(void **)&call.name = dlsym(RTLD_DEFAULT, #name);
#define MAYBE NEED
#include "openssl.def"
#undef NEED
#undef MAYBE
}

static bool is_cheap(const uint8_t *data, size_t size)
{
	PKCS12 *file = call.d2i_PKCS12(NULL, &data, (long)size);
	const ASN1_INTEGER *iterations = NULL;
	const void *ignored;
	bool cheap = false;

	if (file && call.PKCS12_mac_present(file)) {
		call.PKCS12_get0_mac(&ignored, &ignored, &ignored, &iterations, file);
		cheap = !iterations || call.ASN1_INTEGER_get(iterations) < 20000;
	}
	call.PKCS12_free(file);
	return cheap;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct der_list list = { 0 };

	if (!call.d2i_PKCS12)
		find();
	call.ERR_set_mark();
	pkcs12_read(&call, data, size, "", &list);
	der_list_free(&list);
	if (is_cheap(data, size)) {
		memset(&list, 0, sizeof list);
		pkcs12_read(&call, data, size, "s3cret", &list);
		der_list_free(&list);
	}
	call.ERR_pop_to_mark();
	return 0;
}
