/* Chains that were found good. */
#ifndef SSL_CACHE_H
#define SSL_CACHE_H

#include "decide_tls.h"
#include "openssl.h"

/* What a chain is known by, malloc'ed; NULL: it is not to be looked for or kept. */
struct accepted *ssl_cache_key(const struct openssl *lib, const struct chain_check *check);

/* Is it known to be good now?  Then anchor and chain of the verdict are set, the latter
 * from the certificates at hand. */
bool ssl_cache_find(struct openssl *lib, const struct accepted *key, const struct chain_check *check,
		    struct chain_verdict *verdict);

/* The chain is good; the key is the cache's from now on. */
void ssl_cache_keep(struct openssl *lib, struct accepted *key, const struct chain_check *check, X509 *anchor, STACK *chain);

#endif
