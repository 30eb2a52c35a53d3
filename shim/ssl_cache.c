/* Chains that Java was found to trust, so that a server met again costs no
 * signatures.  Keyed by every byte that the server sent; a refusal is never kept,
 * and what is in doubt (out of memory, contention, a long chain) is judged anew. */
#include "openssl.h"
#include "ssl_cache.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LARGEST = 16384 }; /* bytes of certificates; times SSL_CACHE_PLACES is the bound */

struct accepted {
	X509 *anchor;       /* of the store, or sent by the server */
	time_t from, until; /* all but the anchor are valid in between */
	int length;         /* of the chain; 0: it cannot be told how it was built */
	int path[TLS_LONGEST_CHAIN + 2]; /* the certificates below the anchor, see certificate_at */
	uint64_t hash;
	size_t size;
	unsigned char key[];
};

/* The certificate of the server comes first, whether it is among the others or not. */
static X509 *certificate_at(const struct openssl_calls *call, const struct chain_check *check, int i)
{
	X509 *cert = i ? call->OPENSSL_sk_value(check->untrusted, i - 1) : check->cert;

	return i && cert == check->cert ? NULL : cert;
}

/* The lengths are in the DER itself. */
static size_t key_size(const struct openssl_calls *call, const struct chain_check *check, int count)
{
	size_t size = 2;
	X509 *cert;
	int one;

	for (int i = 0; i <= count; i++) {
		cert = certificate_at(call, check, i);
		one = cert ? call->i2d_X509(cert, NULL) : 0;
		if (one < 0 || (size += (size_t)one) > LARGEST)
			return 0;
	}
	return size;
}

/* Where to look, no more: the end of a certificate is its signature. */
static uint64_t hash_of(const unsigned char *end)
{
	uint64_t bytes;

	memcpy(&bytes, end - sizeof bytes, sizeof bytes);
	return bytes * 0x9e3779b97f4a7c15 >> 32;
}

struct accepted *ssl_cache_key(const struct openssl *lib, const struct chain_check *check)
{
	const struct openssl_calls *call = &lib->call;
	int count = check->untrusted ? call->OPENSSL_sk_num(check->untrusted) : 0;
	size_t size = check->cert && count <= TLS_LONGEST_CHAIN ? key_size(call, check, count) : 0;
	struct accepted *key = size > sizeof key->hash ? malloc(sizeof *key + size) : NULL;
	unsigned char *at;
	X509 *cert;

	if (!key)
		return NULL;
	*key = (struct accepted){ .size = size };
	at = key->key;
	*at++ = check->encipher;
	*at++ = (unsigned char)count;
	for (int i = 0; i <= count; i++) {
		cert = certificate_at(call, check, i);
		if (cert && call->i2d_X509(cert, &at) < 0) {
			free(key);
			return NULL;
		}
		if (i == 0)
			key->hash = hash_of(at);
	}
	return key;
}

/* Each place has a lock that nobody waits for.  Taken by a thread that a fork left
 * behind, it stays taken: that place of the child is not used any more. */
static struct ssl_cache_place *take(struct openssl *lib, uint64_t hash)
{
	struct ssl_cache_place *place = &lib->accepted[hash % SSL_CACHE_PLACES];

	return atomic_exchange_explicit(&place->taken, true, memory_order_acquire) ? NULL : place;
}

static void give_back(struct ssl_cache_place *place)
{
	atomic_store_explicit(&place->taken, false, memory_order_release);
}

static bool holds(const struct accepted *accepted, const struct accepted *key, time_t now)
{
	return accepted && accepted->size == key->size && accepted->from < now && now < accepted->until &&
	       memcmp(accepted->key, key->key, key->size) == 0;
}

static bool push(const struct openssl_calls *call, STACK *chain, X509 *cert)
{
	if (!cert || !call->X509_up_ref(cert))
		return false;
	if (call->OPENSSL_sk_push(chain, cert))
		return true;
	call->X509_free(cert);
	return false;
}

/* As it was built, but of this connection's certificates; NULL: it cannot be. */
static STACK *rebuild(const struct openssl_calls *call, const struct accepted *accepted, const struct chain_check *check)
{
	STACK *chain = accepted->length ? call->OPENSSL_sk_new_null() : NULL;
	bool whole = chain != NULL;

	for (int depth = 0; whole && depth < accepted->length - 1; depth++)
		whole = push(call, chain, certificate_at(call, check, accepted->path[depth]));
	if (whole && push(call, chain, accepted->anchor))
		return chain;
	if (chain)
		call->OPENSSL_sk_pop_free(chain, (void (*)(void *))call->X509_free);
	return NULL;
}

bool ssl_cache_find(struct openssl *lib, const struct accepted *key, const struct chain_check *check,
		    struct chain_verdict *verdict)
{
	struct ssl_cache_place *place = key ? take(lib, key->hash) : NULL;
	bool found;

	if (!place)
		return false;
	found = holds(place->accepted, key, time(NULL)) && lib->call.X509_up_ref(place->accepted->anchor);
	if (found) {
		verdict->anchor = place->accepted->anchor;
		verdict->chain = rebuild(&lib->call, place->accepted, check);
	}
	give_back(place);
	return found;
}

/* Which of the certificates at hand made the chain? */
static void find_path(const struct openssl_calls *call, const struct chain_check *check, STACK *chain, struct accepted *key)
{
	int count = check->untrusted ? call->OPENSSL_sk_num(check->untrusted) : 0, length = call->OPENSSL_sk_num(chain), i;

	if (length - 1 > (int)(sizeof key->path / sizeof *key->path))
		return;
	for (int depth = 0; depth < length - 1; depth++) {
		X509 *cert = call->OPENSSL_sk_value(chain, depth);

		for (i = 0; i <= count && certificate_at(call, check, i) != cert;)
			i++;
		if (i > count)
			return;
		key->path[depth] = i;
	}
	key->length = length;
}

/* Java does not ask for the anchor's dates. */
static bool find_validity(const struct openssl_calls *call, STACK *chain, struct accepted *key)
{
	time_t now = time(NULL);
	int days, seconds, last = call->OPENSSL_sk_num(chain) - 1;

	key->from = now - 1;
	key->until = now + (time_t)365 * 86400;
	for (int depth = 0; depth < last; depth++) {
		const X509 *cert = call->OPENSSL_sk_value(chain, depth);
		time_t limit;

		if (!call->ASN1_TIME_diff(&days, &seconds, NULL, call->X509_get0_notBefore(cert)))
			return false;
		limit = now + (time_t)days * 86400 + seconds;
		key->from = depth == 0 || limit > key->from ? limit : key->from;
		if (!call->ASN1_TIME_diff(&days, &seconds, NULL, call->X509_get0_notAfter(cert)))
			return false;
		limit = now + (time_t)days * 86400 + seconds;
		key->until = limit < key->until ? limit : key->until;
	}
	return key->from < now && now < key->until;
}

void ssl_cache_keep(struct openssl *lib, struct accepted *key, const struct chain_check *check, X509 *anchor, STACK *chain)
{
	struct ssl_cache_place *place;
	struct accepted *before;

	if (!find_validity(&lib->call, chain, key) || !lib->call.X509_up_ref(anchor)) {
		free(key);
		return;
	}
	key->anchor = anchor;
	find_path(&lib->call, check, chain, key);
	before = key; /* to be dropped, unless it finds its place */
	place = take(lib, key->hash);
	if (place) {
		before = place->accepted;
		place->accepted = key;
		give_back(place);
	}
	if (before)
		lib->call.X509_free(before->anchor);
	free(before);
}
