/* What the reading of stores offers to its tests. */
#ifndef SSL_STORE_H
#define SSL_STORE_H

#include "openssl.h"

/* Certificates as bytes, in the order found. */
struct der_list {
	struct der {
		struct der *next;
		size_t size;
		unsigned char data[];
	} *first, **last;
};

/* Room for one more, to be filled; NULL: out of memory. */
unsigned char *der_list_add(struct der_list *list, size_t size);
void der_list_free(struct der_list *list);

/* List what a JVM trusts of a PKCS12 store; password "": none.  NULL, or why not. */
const char *pkcs12_read(const struct openssl_calls *call, const unsigned char *data, size_t size,
			const char *password, struct der_list *list);

#endif
