/* Java's judgement of a certificate chain, made with OpenSSL's own verifier.
 * What Java asks and OpenSSL does not is in compat/decide_tls.c. */
#include "decide_tls.h"
#include "openssl.h"
#include "shim.h"
#include "ssl_cache.h"
#include "truststore.h"

/* X509_V_FLAG_*, X509_PURPOSE_*, X509_TRUST_*, EXFLAG_* of every OpenSSL since 1.1.0 */
enum {
	FLAG_USE_CHECK_TIME = 0x2, FLAG_CRL_CHECK = 0x4, FLAG_CRL_CHECK_ALL = 0x8, FLAG_IGNORE_CRITICAL = 0x10,
	FLAG_STRICT = 0x20, FLAG_PROXIES = 0x40, FLAG_POLICIES = 0xf80, FLAG_TRUSTED_FIRST = 0x8000,
	FLAG_SUITE_B = 0x30000, FLAG_PARTIAL_CHAIN = 0x80000, FLAG_NO_CHECK_TIME = 0x200000
};
enum { PURPOSE_ANY = 7, TRUST_SERVER = 3, DEPTH = 100 };
enum { IS_CA = 0x10, IS_VERSION_1 = 0x40 };

/* The verification that this thread is in: innermost first, since a program's
 * callback may itself open a connection. */
struct pass {
	struct pass *outer;
	struct openssl *lib;
	X509_STORE_CTX *ctx;
	verify_step *program; /* the program's callback; NULL: it is not asked */
	int error, depth;     /* Java's first objection */
};

static __thread struct pass *current __attribute__((tls_model("initial-exec")));

static bool trust_all(void)
{
	return truststore.trust_all;
}

/* Is the certificate under examination the last of its chain? */
static bool at_anchor(const struct pass *pass, int depth)
{
	STACK *chain = pass->lib->call.X509_STORE_CTX_get0_chain(pass->ctx);

	return chain && depth == pass->lib->call.OPENSSL_sk_num(chain) - 1;
}

/* Java's view of one step: an objection, or it is overlooked. */
static int judge_step(int ok, X509_STORE_CTX *ctx)
{
	struct pass *pass = current;
	const struct openssl_calls *call = &pass->lib->call;
	int error, depth;

	if (ok)
		return ok;
	error = call->X509_STORE_CTX_get_error(ctx);
	depth = call->X509_STORE_CTX_get_error_depth(ctx);
	if (!tls_error_forgiven(error, at_anchor(pass, depth), depth)) {
		if (!pass->error) {
			pass->error = error;
			pass->depth = depth;
		}
		return 0;
	}
	call->X509_STORE_CTX_set_error(ctx, X509_OK);
	return 1;
}

/* The program's callback sees what Java objects to, if it ever comes to that,
 * and its own host name. */
static int program_step(int ok, X509_STORE_CTX *ctx)
{
	struct pass *pass = current;
	const struct openssl_calls *call = &pass->lib->call;
	int error, depth, rc;

	if (!ok) {
		error = call->X509_STORE_CTX_get_error(ctx);
		depth = call->X509_STORE_CTX_get_error_depth(ctx);
		if (!tls_error_is_name(error) && (trust_all() || tls_error_forgiven(error, at_anchor(pass, depth), depth))) {
			call->X509_STORE_CTX_set_error(ctx, X509_OK);
			return 1;
		}
	}
	current = pass->outer; /* it may connect elsewhere */
	rc = pass->program(ok, ctx);
	current = pass;
	return rc;
}

/* Java's parameters on top of the program's, of which only the name remains. */
static void parameters(const struct openssl *lib, X509_VERIFY_PARAM *param)
{
	lib->call.X509_VERIFY_PARAM_clear_flags(param, FLAG_USE_CHECK_TIME | FLAG_CRL_CHECK | FLAG_CRL_CHECK_ALL |
						FLAG_IGNORE_CRITICAL | FLAG_STRICT | FLAG_PROXIES | FLAG_POLICIES |
						FLAG_SUITE_B | FLAG_NO_CHECK_TIME);
	lib->call.X509_VERIFY_PARAM_set_flags(param, FLAG_PARTIAL_CHAIN | FLAG_TRUSTED_FIRST);
	lib->call.X509_VERIFY_PARAM_set_purpose(param, PURPOSE_ANY);
	lib->call.X509_VERIFY_PARAM_set_trust(param, TRUST_SERVER);
	lib->call.X509_VERIFY_PARAM_set_depth(param, DEPTH);
	lib->call.X509_VERIFY_PARAM_set_auth_level(param, 0);
}

static struct tls_certificate facts_of(const struct openssl *lib, X509 *cert)
{
	const struct openssl_calls *call = &lib->call;
	uint32_t flags = call->X509_get_extension_flags(cert);
	struct tls_certificate facts = {
		.signature = call->X509_get_signature_nid(cert),
		.usage = call->X509_get_key_usage(cert),
		.extended = call->X509_get_extended_key_usage(cert),
		.version1 = (flags & IS_VERSION_1) != 0,
		.is_ca = (flags & IS_CA) != 0,
	};
	EVP_PKEY *key = call->X509_get0_pubkey(cert);

	if (key) {
		facts.key_type = (call->EVP_PKEY_get_base_id ? call->EVP_PKEY_get_base_id : call->EVP_PKEY_base_id)(key);
		facts.key_bits = (call->EVP_PKEY_get_bits ? call->EVP_PKEY_get_bits : call->EVP_PKEY_bits)(key);
	}
	return facts;
}

/* What Java asks of each certificate beyond OpenSSL's verifier. */
static void inspect(struct openssl *lib, const struct chain_check *check, STACK *chain, struct chain_verdict *verdict)
{
	int last = lib->call.OPENSSL_sk_num(chain) - 1;

	for (int depth = last; depth >= 0 && !verdict->error; depth--) {
		struct tls_certificate facts = facts_of(lib, lib->call.OPENSSL_sk_value(chain, depth));

		verdict->error = tls_certificate_error(&facts, depth, depth == last, check->encipher);
		verdict->depth = depth;
	}
	if (!verdict->error && check->untrusted && lib->call.OPENSSL_sk_num(check->untrusted) > TLS_LONGEST_CHAIN)
		verdict->error = X509_CHAIN_TOO_LONG;
}

/* Returns the chain as built, the context's own. */
static STACK *judge(struct openssl *lib, X509_STORE_CTX *ctx, const struct chain_check *check, struct chain_verdict *verdict)
{
	struct pass pass = { .outer = current, .lib = lib, .ctx = ctx };
	STACK *chain;
	int rc;

	if (!check->cert || !lib->call.X509_STORE_CTX_init(ctx, ssl_store(lib), check->cert, check->untrusted))
		return NULL;
	parameters(lib, lib->call.X509_STORE_CTX_get0_param(ctx));
	lib->no_callback = lib->call.X509_STORE_CTX_get_verify_cb(ctx);
	lib->own_verify = lib->call.X509_STORE_CTX_get_verify(ctx);
	lib->own_revocation = lib->call.X509_STORE_CTX_get_check_revocation(ctx);
	lib->call.X509_STORE_CTX_set_verify_cb(ctx, judge_step);
	current = &pass;
	rc = lib->call.X509_verify_cert(ctx);
	current = pass.outer;
	chain = lib->call.X509_STORE_CTX_get0_chain(ctx);
	verdict->error = pass.error;
	verdict->depth = pass.depth;
	if (rc <= 0 && !verdict->error)
		verdict->error = lib->call.X509_STORE_CTX_get_error(ctx);
	if ((rc <= 0 || !chain || lib->call.OPENSSL_sk_num(chain) < 1) && !verdict->error)
		verdict->error = X509_UNSPECIFIED;
	if (!verdict->error)
		inspect(lib, check, chain, verdict);
	return chain;
}

/* A chain that is not known yet; a good one is, from now on. */
static struct chain_verdict judge_anew(struct openssl *lib, const struct chain_check *check, struct accepted *key)
{
	struct chain_verdict verdict = { .error = X509_UNSPECIFIED };
	X509_STORE_CTX *ctx;
	STACK *chain;

	lib->call.ERR_set_mark();
	ctx = lib->call.X509_STORE_CTX_new();
	chain = ctx ? judge(lib, ctx, check, &verdict) : NULL;
	if (verdict.error == X509_OK) {
		verdict.anchor = lib->call.OPENSSL_sk_value(chain, lib->call.OPENSSL_sk_num(chain) - 1);
		lib->call.X509_up_ref(verdict.anchor);
		if (key)
			ssl_cache_keep(lib, key, check, verdict.anchor, chain);
	} else {
		free(key);
	}
	lib->call.X509_STORE_CTX_free(ctx);
	lib->call.ERR_pop_to_mark();
	return verdict;
}

struct chain_verdict ssl_judge(struct openssl *lib, const struct chain_check *check)
{
	struct chain_verdict verdict = { .error = X509_OK };
	struct accepted *key;

	if (trust_all())
		return verdict;
	key = ssl_cache_key(lib, check);
	if (!ssl_cache_find(lib, key, check, &verdict))
		return judge_anew(lib, check, key);
	free(key);
	return verdict;
}

void ssl_verdict_free(const struct openssl *lib, struct chain_verdict *verdict)
{
	if (verdict->chain)
		lib->call.OPENSSL_sk_pop_free(verdict->chain, (void (*)(void *))lib->call.X509_free);
	lib->call.X509_free(verdict->anchor);
}

/* Has the program named whom it wants to talk to?  Where it cannot be told, it may have. */
static bool may_ask_name(const struct openssl_calls *call, X509_VERIFY_PARAM *param)
{
	char *address;

	if (!call->X509_VERIFY_PARAM_get0_host || !call->X509_VERIFY_PARAM_get0_email || !call->X509_VERIFY_PARAM_get1_ip_asc ||
	    call->X509_VERIFY_PARAM_get0_host(param, 0) || call->X509_VERIFY_PARAM_get0_email(param))
		return true;
	address = call->X509_VERIFY_PARAM_get1_ip_asc(param);
	call->CRYPTO_free(address, __FILE__, __LINE__);
	return address != NULL;
}

/* Nothing of the program's takes part in the verification: what it left is known. */
static bool is_plain(const struct openssl *lib, X509_STORE_CTX *ctx)
{
	const struct openssl_calls *call = &lib->call;

	return call->X509_STORE_CTX_get_verify_cb(ctx) == lib->no_callback &&
	       call->X509_STORE_CTX_get_verify(ctx) == lib->own_verify &&
	       call->X509_STORE_CTX_get_check_revocation(ctx) == lib->own_revocation &&
	       !may_ask_name(call, call->X509_STORE_CTX_get0_param(ctx));
}

/* Instead of OpenSSL's: the signatures and dates of this very chain were found good. */
static int verified_already(X509_STORE_CTX *ctx)
{
	const struct openssl_calls *call = &current->lib->call;
	STACK *chain = call->X509_STORE_CTX_get0_chain(ctx);

	for (int depth = call->OPENSSL_sk_num(chain) - 1; depth >= 0; depth--) {
		call->X509_STORE_CTX_set_current_cert(ctx, call->OPENSSL_sk_value(chain, depth));
		call->X509_STORE_CTX_set_error_depth(ctx, depth);
		if (!program_step(1, ctx))
			return 0;
	}
	return 1;
}

static int verify_with(struct openssl *lib, X509_STORE_CTX *ctx)
{
	/* cppcheck-suppress AssignmentIntegerToAddress ; it is a pointer */
	verify_step *program = lib->call.X509_STORE_CTX_get_verify_cb(ctx);
	struct pass pass = { .outer = current, .lib = lib, .ctx = ctx, .program = program };
	int rc;

	parameters(lib, lib->call.X509_STORE_CTX_get0_param(ctx));
	lib->call.X509_STORE_CTX_set_verify_cb(ctx, program_step);
	current = &pass;
	rc = lib->call.X509_verify_cert(ctx);
	current = pass.outer;
	lib->call.X509_STORE_CTX_set_verify_cb(ctx, program);
	return rc;
}

int ssl_verify_again(struct openssl *lib, X509_STORE_CTX *ctx, struct chain_verdict *verdict, bool watched)
{
	const struct openssl_calls *call = &lib->call;
	STACK *trusted;
	int rc = -1;

	if (!verdict->anchor) /* all-trusting: the program's own chain, whatever it is */
		return verify_with(lib, ctx);
	if (verdict->chain && is_plain(lib, ctx)) {
		call->X509_STORE_CTX_set0_verified_chain(ctx, verdict->chain);
		verdict->chain = NULL;
		call->X509_STORE_CTX_set_error(ctx, X509_OK);
		return 1;
	}
	trusted = call->OPENSSL_sk_new_null();
	if (trusted && call->OPENSSL_sk_push(trusted, verdict->anchor)) {
		call->X509_STORE_CTX_set0_trusted_stack(ctx, trusted);
		if (!watched && call->X509_STORE_CTX_get_verify(ctx) == lib->own_verify)
			call->X509_STORE_CTX_set_verify(ctx, verified_already);
		rc = verify_with(lib, ctx);
		call->X509_STORE_CTX_set0_trusted_stack(ctx, NULL);
	}
	call->OPENSSL_sk_free(trusted);
	return rc;
}
