/* The exported OpenSSL functions.  X509_verify_cert is the one that counts:
 * libssl asks it in every client handshake, however the program started it and
 * whatever it wants to know of the answer. */
#include "decide_tls.h"
#include "openssl.h"
#include "shim.h"
#include "truststore.h"

enum { VERIFY_NONE = 0, VERIFY_PEER = 1 };
enum { NID_KX_RSA = 1037 };

int X509_verify_cert(X509_STORE_CTX *ctx);
void SSL_CTX_set_cert_verify_callback(SSL_CTX *ctx, verify_chain *callback, void *arg);
int SSL_connect(SSL *ssl);
int SSL_do_handshake(SSL *ssl);
int SSL_accept(SSL *ssl);
int SSL_set_session(SSL *ssl, SSL_SESSION *session);

/* What a SSL_SESSION and a SSL are marked with. */
static const char seen;
#define SEEN ((void *)(uintptr_t)&seen)

/* The handshake call that this thread is in.  libssl's SSL_connect jumps to
 * SSL_do_handshake, which is ours again. */
struct handshake {
	SSL *ssl;
	struct openssl *lib;
};

static __thread struct handshake inside __attribute__((tls_model("initial-exec")));

/* --- findings -------------------------------------------------------------- */

struct ssl_occasion {
	struct openssl *lib;
	SSL *ssl;
	struct occasion at;
};

static struct ssl_occasion occasion_of(struct openssl *lib, SSL *ssl, const char *call, void *site)
{
	int fd = lib->call.SSL_get_fd(ssl);
	struct ssl_occasion where = { lib, ssl, { .call = call, .fd = fd, .site = site, .level = -1 } };

	if (fd >= 0)
		where.at.sock = track(fd);
	return where;
}

static void occasion_over(struct ssl_occasion *where)
{
	shadow_put((struct shadow *)(uintptr_t)where->at.sock);
}

/* Is the chain to be refused, here and now? */
static bool refused(struct openssl *lib, SSL *ssl, const char *call, void *site, const struct chain_verdict *chain)
{
	struct verdict v = decide_tls_verify(chain->error == X509_OK);
	struct ssl_occasion where;
	bool refuse;
	int rc;

	if (v.mode == OFF)
		return false;
	where = occasion_of(lib, ssl, call, site);
	refuse = settled(v, &where.at, &rc);
	truststore_distrusts(chain->error, lib->call.X509_verify_cert_error_string(chain->error), chain->depth);
	occasion_over(&where);
	return refuse;
}

/* --- before a handshake ---------------------------------------------------- */

/* The two rules about clients.  True: *rc is the answer. */
static bool client_refused(const struct ssl_occasion *where, int *rc)
{
	const struct openssl_calls *call = &where->lib->call;

	if (rule_active(TLS_CLIENT_CERTIFICATE) && call->SSL_get_certificate(where->ssl) &&
	    settled(decide_tls_client_certificate(), &where->at, rc))
		call->SSL_certs_clear(where->ssl);
	return settled(decide_tls_nonblocking(where->at.sock), &where->at, rc);
}

static bool concerned(bool server)
{
	return server ? rule_active(TLS_SERVER) : rule_active(TLS_NONBLOCKING) || rule_active(TLS_CLIENT_CERTIFICATE);
}

static bool handshake_refused(struct openssl *lib, SSL *ssl, const char *name, void *site, bool server, int *rc)
{
	struct ssl_occasion where;
	bool ends;

	if (!concerned(server))
		return false;
	lib->call.SSL_set_ex_data(ssl, lib->ssl_index, SEEN);
	where = occasion_of(lib, ssl, name, site);
	ends = server ? settled(decide_tls_server(), &where.at, rc) : client_refused(&where, rc);
	occasion_over(&where);
	return ends;
}

/* --- the check ------------------------------------------------------------- */

static bool encipher(const struct openssl_calls *call, const SSL *ssl)
{
	const SSL_CIPHER *cipher = call->SSL_get_pending_cipher ? call->SSL_get_pending_cipher(ssl) : NULL;

	return cipher && call->SSL_CIPHER_get_kx_nid && call->SSL_CIPHER_get_kx_nid(cipher) == NID_KX_RSA;
}

static bool was_checked(const struct openssl *lib, const SSL *ssl)
{
	SSL_SESSION *session = lib->call.SSL_get_session(ssl);

	return session && lib->call.SSL_SESSION_get_ex_data(session, lib->session_index) == SEEN;
}

static void mark_checked(const struct openssl *lib, const SSL *ssl)
{
	SSL_SESSION *session = lib->call.SSL_get_session(ssl);

	if (session)
		lib->call.SSL_SESSION_set_ex_data(session, lib->session_index, SEEN);
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
	mark_checked(lib, ssl);
	if (chain->error == X509_OK)
		return rule_mode(TLS_VERIFY) == ENFORCE ? TRUSTED : LEFT;
	if (!refused(lib, ssl, "X509_verify_cert", site, chain))
		return LEFT;
	lib->call.X509_STORE_CTX_set_error(ctx, chain->error);
	lib->call.X509_STORE_CTX_set_error_depth(ctx, chain->depth);
	lib->call.SSL_set_verify(ssl, lib->call.SSL_get_verify_mode(ssl) | VERIFY_PEER, NULL);
	return DISTRUSTED;
}

/* A handshake that no hooked call began: SSL_write, SSL_peek, ... */
static void catch_up(struct openssl *lib, SSL *ssl, void *site)
{
	int rc;

	if (lib->call.SSL_get_ex_data(ssl, lib->ssl_index) != SEEN)
		handshake_refused(lib, ssl, "X509_verify_cert", site, false, &rc);
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
	catch_up(lib, ssl, site);
	outcome = check_chain(lib, ssl, ctx, site, &chain);
	if (outcome == DISTRUSTED)
		rc = 0;
	else if (outcome == TRUSTED) /* only the name is the program's affair */
		rc = ssl_verify_again(lib, ctx, chain.anchor, watches(lib, ssl, ctx));
	else
		rc = lib->call.X509_verify_cert(ctx);
	lib->call.X509_free(chain.anchor);
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
	catch_up(lib, ssl, (void *)(uintptr_t)own->callback);
	outcome = check_chain(lib, ssl, ctx, (void *)(uintptr_t)own->callback, &chain);
	lib->call.X509_free(chain.anchor);
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

/* --- handshakes ------------------------------------------------------------ */

enum { LIB_SSL = 20, REASON_VERIFY_FAILED = 134 }; /* ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED */

static void raise_verify_failed(const struct openssl_calls *call)
{
	if (call->ERR_set_error) {
		call->ERR_new();
		call->ERR_set_debug(__FILE__, __LINE__, __func__);
		call->ERR_set_error(LIB_SSL, REASON_VERIFY_FAILED, NULL);
	} else if (call->ERR_put_error) {
		call->ERR_put_error(LIB_SSL, 0, REASON_VERIFY_FAILED, __FILE__, __LINE__);
	}
}

static struct chain_verdict judge_peer(struct openssl *lib, SSL *ssl)
{
	const struct openssl_calls *call = &lib->call;
	struct chain_check check = { .untrusted = call->SSL_get_peer_cert_chain(ssl) };
	struct chain_verdict verdict;

	check.cert = (call->SSL_get1_peer_certificate ? call->SSL_get1_peer_certificate : call->SSL_get_peer_certificate)(ssl);
	verdict = ssl_judge(lib, &check);
	call->X509_free(verdict.anchor);
	call->X509_free(check.cert);
	return verdict;
}

/* The safety net: a client handshake succeeded and nobody asked us.  An
 * anonymous cipher, a pre-shared key, a session of another process, or a libssl
 * that calls its X509_verify_cert without the detour.  Java has none of them. */
static int after_handshake(struct openssl *lib, SSL *ssl, const char *name, void *site, int rc)
{
	struct chain_verdict chain;

	if (rc != 1 || !rule_active(TLS_VERIFY) || truststore.trust_all || lib->call.SSL_is_server(ssl) ||
	    was_checked(lib, ssl))
		return rc;
	chain = judge_peer(lib, ssl);
	if (!refused(lib, ssl, name, site, &chain)) {
		mark_checked(lib, ssl);
		return rc;
	}
	lib->call.SSL_shutdown(ssl);
	lib->call.SSL_set_verify_result(ssl, chain.error);
	raise_verify_failed(&lib->call);
	return -1;
}

typedef int handshake_call(SSL *);

static int shake(struct openssl *lib, SSL *ssl, handshake_call *real_call, const char *name, void *site, bool accept)
{
	struct handshake outer = inside;
	int rc, saved;

	if (lib->call.SSL_in_before(ssl) &&
	    handshake_refused(lib, ssl, name, site, accept || (real_call == lib->call.SSL_do_handshake &&
							      lib->call.SSL_is_server(ssl)), &rc))
		return rc;
	inside = (struct handshake){ ssl, lib };
	rc = real_call(ssl);
	inside = outer;
	saved = errno;
	rc = after_handshake(lib, ssl, name, site, rc);
	errno = saved;
	return rc;
}

#define SHAKE(name, accept)                                                                  \
	do {                                                                                 \
		void *site = __builtin_return_address(0);                                    \
		struct openssl *lib = inside.ssl && inside.ssl == ssl ? inside.lib : openssl_at(site); \
		start_once();                                                                \
		if (!lib || !lib->call.name)                                                 \
			return -1;                                                           \
		if (!lib->checkable || !ssl || inside.ssl == ssl)                            \
			return lib->call.name(ssl);                                          \
		return shake(lib, ssl, lib->call.name, #name, site, accept);                 \
	} while (0)

SHIM int SSL_connect(SSL *ssl)
{
	SHAKE(SSL_connect, false);
}

SHIM int SSL_do_handshake(SSL *ssl)
{
	SHAKE(SSL_do_handshake, false);
}

SHIM int SSL_accept(SSL *ssl)
{
	SHAKE(SSL_accept, true);
}

/* A session that this process has not checked, one read from a file say, is not
 * offered: the handshake is a full one, as a new JVM's would be. */
SHIM int SSL_set_session(SSL *ssl, SSL_SESSION *session)
{
	struct openssl *lib = openssl_at(__builtin_return_address(0));

	start_once();
	if (!lib || !lib->call.SSL_set_session)
		return 0;
	if (lib->checkable && session && rule_mode(TLS_VERIFY) == ENFORCE && !truststore.trust_all &&
	    lib->call.SSL_SESSION_get_ex_data(session, lib->session_index) != SEEN)
		return lib->call.SSL_set_session(ssl, NULL);
	return lib->call.SSL_set_session(ssl, session);
}
