/* Certificates.  X509_verify_cert is the exported function that counts: libssl asks
 * it in every client handshake that has some, however the program started it and
 * whatever it wants to know of the answer. */
#include "decide_tls.h"
#include "openssl.h"
#include "shim.h"
#include "ssl_handshake.h"
#include "truststore.h"

enum { VERIFY_NONE = 0, VERIFY_PEER = 1 };
enum { NID_KX_RSA = 1037 };

int X509_verify_cert(X509_STORE_CTX *ctx);
void SSL_CTX_set_cert_verify_callback(SSL_CTX *ctx, verify_chain *callback, void *arg);

/* --- the check ------------------------------------------------------------- */

static bool encipher(const struct openssl_calls *call, const SSL *ssl)
{
	const SSL_CIPHER *cipher = call->SSL_get_pending_cipher ? call->SSL_get_pending_cipher(ssl) : NULL;

	return cipher && call->SSL_CIPHER_get_kx_nid && call->SSL_CIPHER_get_kx_nid(cipher) == NID_KX_RSA;
}

/* The client's SSL that a verification is about; NULL: none of our business. */
static SSL *client_of(const struct openssl *lib, X509_STORE_CTX *ctx)
{
	SSL *ssl;

	if (!lib->checkable || !ctx || !rule_active(TLS_VERIFY))
		return NULL;
	ssl = lib->call.X509_STORE_CTX_get_ex_data(ctx, lib->call.SSL_get_ex_data_X509_STORE_CTX_idx());
	return ssl && !lib->call.SSL_is_server(ssl) ? ssl : NULL;
}

enum outcome { LEFT, DISTRUSTED, TRUSTED };

/* Java's answer, imposed on the program's context as far as it is a refusal. */
static enum outcome check_chain(struct openssl *lib, SSL *ssl, X509_STORE_CTX *ctx, void *site,
				struct chain_verdict *chain)
{
	struct chain_check check = {
		.cert = lib->call.X509_STORE_CTX_get0_cert(ctx),
		.untrusted = lib->call.X509_STORE_CTX_get0_untrusted(ctx),
		.encipher = encipher(&lib->call, ssl),
	};
	*chain = ssl_judge(lib, &check);
	if (chain->error == X509_OK && !truststore.trust_all && tls_version_disabled(lib->call.SSL_version(ssl)))
		chain->error = X509_UNSPECIFIED;
	ssl_mark_checked(lib, ssl);
	if (chain->error == X509_OK)
		return rule_mode(TLS_VERIFY) == ENFORCE ? TRUSTED : LEFT;
	if (!ssl_refused(lib, ssl, "X509_verify_cert", site, chain))
		return LEFT;
	lib->call.X509_STORE_CTX_set_error(ctx, chain->error);
	lib->call.X509_STORE_CTX_set_error_depth(ctx, chain->depth);
	lib->call.SSL_set_verify(ssl, lib->call.SSL_get_verify_mode(ssl) | VERIFY_PEER, NULL);
	return DISTRUSTED;
}

/* Has the program a callback, for which the result counts?  Then it sees what it
 * would see, signatures and all. */
static bool watches(const struct openssl *lib, const SSL *ssl, X509_STORE_CTX *ctx)
{
	return lib->call.X509_STORE_CTX_get_verify_cb(ctx) != lib->no_callback && lib->call.SSL_get_verify_mode(ssl) != VERIFY_NONE;
}

SHIM int X509_verify_cert(X509_STORE_CTX *ctx)
{
	void *site = __builtin_return_address(0);
	struct openssl *lib = openssl_at(site);
	struct chain_verdict chain;
	enum outcome outcome;
	SSL *ssl;
	int saved = errno, rc;

	start_once();
	if (!lib || !lib->call.X509_verify_cert)
		return -1;
	ssl = client_of(lib, ctx);
	if (!ssl)
		return lib->call.X509_verify_cert(ctx);
	ssl_catch_up(lib, ssl, site);
	outcome = check_chain(lib, ssl, ctx, site, &chain);
	if (outcome == DISTRUSTED)
		rc = 0;
	else if (outcome == TRUSTED) /* only the name is the program's affair */
		rc = ssl_verify_again(lib, ctx, &chain, watches(lib, ssl, ctx));
	else
		rc = lib->call.X509_verify_cert(ctx);
	ssl_verdict_free(lib, &chain);
	errno = saved;
	return rc;
}

/* --- a program that verifies by itself ------------------------------------- */

/* Kept in the SSL_CTX, which frees it. */
struct own_verifier {
	struct openssl *lib;
	verify_chain *callback;
	void *arg;
};

/* What libssl calls instead: Java first, then the program, which may still refuse. */
static int verify_both(X509_STORE_CTX *ctx, void *arg)
{
	struct own_verifier *own = arg;
	struct openssl *lib = own->lib;
	SSL *ssl = client_of(lib, ctx);
	struct chain_verdict chain;
	enum outcome outcome;

	if (!ssl)
		return own->callback(ctx, own->arg);
	ssl_catch_up(lib, ssl, (void *)(uintptr_t)own->callback);
	outcome = check_chain(lib, ssl, ctx, (void *)(uintptr_t)own->callback, &chain);
	ssl_verdict_free(lib, &chain);
	return outcome == DISTRUSTED ? 0 : own->callback(ctx, own->arg);
}

SHIM void SSL_CTX_set_cert_verify_callback(SSL_CTX *ctx, verify_chain *callback, void *arg)
{
	struct openssl *lib = openssl_at(__builtin_return_address(0));
	struct own_verifier *own;

	start_once();
	if (!lib || !lib->call.SSL_CTX_set_cert_verify_callback)
		return;
	if (!callback || !lib->checkable || !rule_active(TLS_VERIFY)) {
		lib->call.SSL_CTX_set_cert_verify_callback(ctx, callback, arg);
		return;
	}
	own = lib->call.SSL_CTX_get_ex_data(ctx, lib->ctx_index);
	if (!own) {
		own = malloc(sizeof *own);
		if (own && !lib->call.SSL_CTX_set_ex_data(ctx, lib->ctx_index, own)) {
			free(own);
			own = NULL;
		}
	}
	if (!own) { /* after_handshake will see that nothing was checked */
		lib->call.SSL_CTX_set_cert_verify_callback(ctx, callback, arg);
		return;
	}
	*own = (struct own_verifier){ lib, callback, arg };
	lib->call.SSL_CTX_set_cert_verify_callback(ctx, verify_both, own);
}
