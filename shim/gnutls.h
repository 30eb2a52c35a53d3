/* The program's own GnuTLS, and the JVM's trust store in its terms. */
#ifndef GNUTLS_H
#define GNUTLS_H

#include "truststore.h"

#include <link.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct gnutls_session_int SESSION;
typedef struct gnutls_x509_crt_int CERTIFICATE;
typedef struct gnutls_x509_trust_list_st TRUST_LIST;
typedef struct gnutls_pkcs12_int PKCS12_FILE;
typedef struct gnutls_pkcs12_bag_int PKCS12_BAG;

/* gnutls_datum_t */
struct gnutls_bytes {
	unsigned char *data;
	unsigned size;
};

struct gnutls_calls {
#define NEED(result, name, parameters) result (*name) parameters;
#include "gnutls.def"
#undef NEED
};

struct gnutls {
	const struct link_map *key; /* its link map */
	bool checkable;  /* every NEED was found */
	struct gnutls_calls call;
	struct truststore_slot store;
};

enum { GNUTLS_DER = 0, GNUTLS_PEM = 1 };

/* The anchors, each by itself and all as a list (which owns them). */
struct gnutls_store {
	TRUST_LIST *list;
	CERTIFICATE **anchors;
	unsigned count;
};

struct gnutls_store *gnutls_store(struct gnutls *lib);

#endif
