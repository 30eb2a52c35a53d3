/* The program's own OpenSSL: where it is, and what we call of it.  The shim
 * links none and loads none. */
#ifndef OPENSSL_H
#define OPENSSL_H

#include "truststore.h"

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_session_st SSL_SESSION;
typedef struct ssl_cipher_st SSL_CIPHER;
typedef struct x509_st X509;
typedef struct x509_store_st X509_STORE;
typedef struct x509_store_ctx_st X509_STORE_CTX;
typedef struct X509_VERIFY_PARAM_st X509_VERIFY_PARAM;
typedef struct stack_st STACK;
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_md_st EVP_MD;
typedef struct engine_st ENGINE;
typedef struct bio_st BIO;
typedef struct bio_method_st BIO_METHOD;
typedef struct PKCS12_st PKCS12;
typedef struct pkcs7_st PKCS7;
typedef struct PKCS12_SAFEBAG_st PKCS12_SAFEBAG;
typedef struct asn1_type_st ASN1_TYPE;
typedef struct asn1_object_st ASN1_OBJECT;
typedef struct asn1_string_st ASN1_INTEGER;
typedef struct asn1_string_st ASN1_TIME;
typedef struct ossl_lib_ctx_st OSSL_LIB_CTX;
typedef struct ossl_provider_st OSSL_PROVIDER;
typedef int verify_step(int ok, X509_STORE_CTX *ctx);
typedef int verify_chain(X509_STORE_CTX *ctx, void *arg);
typedef int verify_signatures(X509_STORE_CTX *ctx);
typedef int bio_read(BIO *bio, char *data, size_t size, size_t *done);
typedef int bio_write(BIO *bio, const char *data, size_t size, size_t *done);
typedef long bio_control(BIO *bio, int command, long number, void *arg);
typedef void any_function(void);
typedef int ask_password(char *buf, int size, int writing, void *arg);
typedef void free_data(void *parent, void *data, void *all, int index, long number, void *arg);

struct openssl_calls {
#define NEED(result, name, parameters) result (*name) parameters;
#define MAYBE NEED
#include "openssl.def"
#undef NEED
#undef MAYBE
};

/* A place for an accepted chain (ssl_cache.c). */
enum { SSL_CACHE_PLACES = 32 };
struct ssl_cache_place {
	_Atomic bool taken;
	struct accepted *accepted;
};

/* One libssl with the libcrypto that it uses.  Made when it first calls us or is
 * called, kept for ever; `store` is made with its first client handshake. */
struct openssl {
	struct openssl *next;
	unsigned number;         /* in openssl_numbered; 0: none */
	const struct link_map *key; /* link map of the libssl (of the libcrypto, if `ssl` is false) */
	bool ssl;                /* false: called from a place where only libcrypto is in reach */
	bool checkable;          /* every NEED was found */
	struct openssl_calls call;
	struct truststore_slot store;
	struct ssl_cache_place accepted[SSL_CACHE_PLACES];
	_Atomic(verify_step *) no_callback;       /* what OpenSSL has for a program without */
	_Atomic(verify_signatures *) own_verify;  /* one of its own, of each kind */
	_Atomic(verify_signatures *) own_revocation;
	_Atomic(BIO_METHOD *) filter; /* our own BIO_f_ssl */
	int session_index;       /* our own data in a SSL_SESSION: it was checked */
	int ssl_index;           /* in a SSL: its handshake was looked at */
	int ctx_index;           /* in a SSL_CTX: the program's verify callback */
};

/* Call sites met before: the address in the upper 48 bits, below them which library. */
enum { OPENSSL_SITES = 256, OPENSSL_NUMBERED = 8 };
extern _Atomic uint64_t openssl_sites[OPENSSL_SITES];
extern struct openssl *openssl_numbered[OPENSSL_NUMBERED];

struct openssl *openssl_look(void *site);

static inline _Atomic uint64_t *openssl_site(const void *site)
{
	return &openssl_sites[((uintptr_t)site ^ (uintptr_t)site >> 8) % OPENSSL_SITES];
}

/* The OpenSSL that the code at `site` uses; NULL: none to be found. */
static inline struct openssl *openssl_at(void *site)
{
	uint64_t known = atomic_load_explicit(openssl_site(site), memory_order_acquire);

	if (__builtin_expect(known >> 16 == (uintptr_t)site, 1))
		return openssl_numbered[known & 0xffff];
	return openssl_look(site);
}

/* A library was unloaded: its addresses may be another one's soon. */
void openssl_forget_sites(void);

/* --- ssl_store.c ---------------------------------------------------------- */

/* The JVM's trust store for this OpenSSL; one that cannot be read is empty. */
X509_STORE *ssl_store(struct openssl *lib);

/* --- ssl_verify.c --------------------------------------------------------- */

struct chain_check {
	X509 *cert;
	STACK *untrusted;
	bool encipher;        /* the key exchange encrypts to the certificate's key */
};

struct chain_verdict {
	int error, depth;     /* X509_OK: Java trusts the chain */
	X509 *anchor;         /* where it does; NULL: with the all-trusting provider */
	STACK *chain;         /* as built, if it was met before; or NULL */
};

void ssl_verdict_free(const struct openssl *lib, struct chain_verdict *verdict);

/* Judge a chain by Java's rules against Java's trust store. */
struct chain_verdict ssl_judge(struct openssl *lib, const struct chain_check *check);

/* The program's own verification of a chain that Java trusts: its context, callback and
 * verified chain are as usual.  Watched: signatures too, for a callback to see. */
int ssl_verify_again(struct openssl *lib, X509_STORE_CTX *ctx, struct chain_verdict *verdict, bool watched);

#endif
