/* Handshakes: the rules about them, for the reports, and a safety net for those in
 * which libssl verifies no certificate. */
#include "ssl_handshake.h"
#include "decide_tls.h"
#include "shim.h"
#include "truststore.h"

int SSL_connect(SSL *ssl);
int SSL_do_handshake(SSL *ssl);
int SSL_accept(SSL *ssl);
int SSL_set_session(SSL *ssl, SSL_SESSION *session);

/* What a SSL is marked with: its first handshake was seen to begin, to end; and what
 * a SSL_SESSION is: it was checked. */
static const char begun, over, checked;
#define MARK(name) ((void *)(uintptr_t)&(name))

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

bool ssl_refused(struct openssl *lib, SSL *ssl, const char *call, void *site, const struct chain_verdict *chain)
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

/* The two rules about clients.  True: the handshake fails with errno. */
static bool client_refused(const struct ssl_occasion *where)
{
	const struct openssl_calls *call = &where->lib->call;
	int rc;

	if (rule_active(TLS_CLIENT_CERTIFICATE) && call->SSL_get_certificate(where->ssl) &&
	    settled(decide_tls_client_certificate(), &where->at, &rc))
		call->SSL_certs_clear(where->ssl);
	return settled(decide_tls_nonblocking(where->at.sock), &where->at, &rc);
}

static bool concerned(bool server)
{
	return server ? rule_active(TLS_SERVER) : rule_active(TLS_NONBLOCKING) || rule_active(TLS_CLIENT_CERTIFICATE);
}

bool ssl_rules_active(void)
{
	return rule_active(TLS_VERIFY) || concerned(true) || concerned(false);
}

static bool begin_refused(struct openssl *lib, SSL *ssl, const char *call, void *site, bool server)
{
	struct ssl_occasion where;
	bool ends;
	int rc;

	if (ssl_rules_active())
		lib->call.SSL_set_ex_data(ssl, lib->ssl_index, MARK(begun));
	if (!concerned(server))
		return false;
	where = occasion_of(lib, ssl, call, site);
	ends = server ? settled(decide_tls_server(), &where.at, &rc) : client_refused(&where);
	occasion_over(&where);
	return ends;
}

void ssl_catch_up(struct openssl *lib, SSL *ssl, void *site)
{
	if (!lib->call.SSL_get_ex_data(ssl, lib->ssl_index))
		begin_refused(lib, ssl, "X509_verify_cert", site, false);
}

/* --- after a handshake ------------------------------------------------------ */

static bool was_checked(const struct openssl *lib, const SSL *ssl)
{
	SSL_SESSION *session = lib->call.SSL_get_session(ssl);

	return session && lib->call.SSL_SESSION_get_ex_data(session, lib->session_index) == MARK(checked);
}

void ssl_mark_checked(const struct openssl *lib, const SSL *ssl)
{
	SSL_SESSION *session = lib->call.SSL_get_session(ssl);

	if (session)
		lib->call.SSL_SESSION_set_ex_data(session, lib->session_index, MARK(checked));
}

enum { LIB_SSL = 20, REASON_VERIFY_FAILED = 134 }; /* ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED */
enum { IN_SERVER_CERTIFICATE = 367 };              /* OpenSSL 1.1's number of tls_process_server_certificate */
enum { BOTH_SHUT_DOWN = 3 };                       /* SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN */

static void raise_verify_failed(const struct openssl_calls *call)
{
	if (call->ERR_set_error) {
		call->ERR_new();
		call->ERR_set_debug(__FILE__, __LINE__, __func__);
		call->ERR_set_error(LIB_SSL, REASON_VERIFY_FAILED, NULL);
	} else if (call->ERR_put_error) {
		call->ERR_put_error(LIB_SSL, IN_SERVER_CERTIFICATE, REASON_VERIFY_FAILED, __FILE__, __LINE__);
	}
}

static struct chain_verdict judge_peer(struct openssl *lib, SSL *ssl)
{
	const struct openssl_calls *call = &lib->call;
	struct chain_check check = { .untrusted = call->SSL_get_peer_cert_chain(ssl) };
	struct chain_verdict verdict;

	check.cert = (call->SSL_get1_peer_certificate ? call->SSL_get1_peer_certificate : call->SSL_get_peer_certificate)(ssl);
	verdict = ssl_judge(lib, &check);
	ssl_verdict_free(lib, &verdict);
	call->X509_free(check.cert);
	return verdict;
}

/* The safety net: a client handshake succeeded and nobody asked us.  An anonymous
 * cipher, a pre-shared key, a session of another process, or a libssl that calls its
 * X509_verify_cert without the detour.  Java has none of them.  False: it is refused,
 * and nothing can be read or written any more. */
static bool end_accepted(struct openssl *lib, SSL *ssl, const char *call, void *site)
{
	struct chain_verdict chain;

	lib->call.SSL_set_ex_data(ssl, lib->ssl_index, MARK(over));
	if (!rule_active(TLS_VERIFY) || truststore.trust_all || lib->call.SSL_is_server(ssl) || was_checked(lib, ssl))
		return true;
	chain = judge_peer(lib, ssl);
	if (!ssl_refused(lib, ssl, call, site, &chain)) {
		ssl_mark_checked(lib, ssl);
		return true;
	}
	lib->call.SSL_shutdown(ssl);
	lib->call.SSL_set_shutdown(ssl, BOTH_SHUT_DOWN);
	lib->call.SSL_set_verify_result(ssl, chain.error);
	raise_verify_failed(&lib->call);
	return false;
}

/* --- the handshake ----------------------------------------------------------- */

struct attempt {
	struct openssl *lib;
	SSL *ssl;
	const char *call;
	void *site;
	bool server;
	int (*shake)(SSL *); /* or, if NULL, by this one: */
	BIO *bio;
};

enum { BIO_C_DO_STATE_MACHINE = 101 };

static int attempt_real(const struct attempt *a)
{
	const struct openssl_calls *call = &a->lib->call;

	if (a->shake)
		return a->shake(a->ssl);
	return (int)call->BIO_meth_get_ctrl(call->BIO_f_ssl())(a->bio, BIO_C_DO_STATE_MACHINE, 0, NULL);
}

static int attempt(const struct attempt *a)
{
	struct handshake outer = inside;
	int rc, saved;

	if (a->lib->call.SSL_in_before(a->ssl) && begin_refused(a->lib, a->ssl, a->call, a->site, a->server))
		return -1;
	inside = (struct handshake){ a->ssl, a->lib };
	rc = attempt_real(a);
	inside = outer;
	saved = errno;
	if (rc == 1 && ssl_rules_active() && !end_accepted(a->lib, a->ssl, a->call, a->site))
		rc = -1;
	errno = saved;
	return rc;
}

#define SHAKE(name, is_server)                                                               \
	do {                                                                                 \
		void *site = __builtin_return_address(0);                                    \
		struct openssl *lib = inside.ssl && inside.ssl == ssl ? inside.lib : openssl_at(site); \
		start_once();                                                                \
		if (!lib || !lib->call.name)                                                 \
			return -1;                                                           \
		if (!lib->checkable || !ssl || inside.ssl == ssl)                            \
			return lib->call.name(ssl);                                          \
		return attempt(&(struct attempt){ lib, ssl, #name, site, is_server, lib->call.name, NULL }); \
	} while (0)

SHIM int SSL_connect(SSL *ssl)
{
	SHAKE(SSL_connect, false);
}

SHIM int SSL_do_handshake(SSL *ssl)
{
	SHAKE(SSL_do_handshake, lib->call.SSL_is_server(ssl));
}

SHIM int SSL_accept(SSL *ssl)
{
	SHAKE(SSL_accept, true);
}

/* Not for a renegotiation, in which OpenSSL lets data through. */
bool ssl_established(struct openssl *lib, SSL *ssl, const char *call, void *site, BIO *bio)
{
	bool server = lib->call.SSL_is_server(ssl);

	if (inside.ssl == ssl || !(server ? concerned(true) : ssl_rules_active()))
		return true;
	if (!lib->call.SSL_in_before(ssl) && lib->call.SSL_get_ex_data(ssl, lib->ssl_index) != MARK(begun))
		return true;
	return attempt(&(struct attempt){ lib, ssl, call, site, server, bio ? NULL : lib->call.SSL_do_handshake, bio }) == 1;
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
	    lib->call.SSL_SESSION_get_ex_data(session, lib->session_index) != MARK(checked))
		return lib->call.SSL_set_session(ssl, NULL);
	return lib->call.SSL_set_session(ssl, session);
}
