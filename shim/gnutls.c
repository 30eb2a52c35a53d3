/* GnuTLS programs: the handshake is let happen, then the chain is judged, and a
 * bad one ends the session before a byte of the program's is sent.  GnuTLS has no
 * place where every program can be caught in the middle. */
#include "decide_tls.h"
#include "gnutls.h"
#include "library.h"
#include "shim.h"

#include <string.h>

int gnutls_handshake(SESSION *session);
int gnutls_certificate_verify_peers(SESSION *session, void *data, unsigned elements, unsigned *status);
int gnutls_certificate_verify_peers2(SESSION *session, unsigned *status);
int gnutls_certificate_verify_peers3(SESSION *session, const char *host, unsigned *status);

enum { E_AGAIN = -28, E_INVALID_REQUEST = -50, E_INTERRUPTED = -52, E_INTERNAL = -59, E_VERIFICATION = -348 };
enum { ALERT_FATAL = 2, ALERT_BAD_CERTIFICATE = 42, ALERT_EXPIRED = 45, ALERT_UNKNOWN_CA = 48 };
enum { VERSION_TLS_1_2 = 4, KX_RSA = 1, SIGN_RSA_MD5 = 3, SIGN_RSA_MD2 = 4 };
enum { STATUS_INVALID = 1 << 1, STATUS_NOT_ACTIVATED = 1 << 9, STATUS_EXPIRED = 1 << 10,
       STATUS_WRONG_OWNER = 1 << 14 };
enum { FLAG_NO_ANCHOR_TIME = 1 << 7, FLAG_NO_CRL = 1 << 9, FLAG_ANY_CRITICAL = 1 << 14, FLAG_SHA1 = 1 << 15,
       PROFILE_VERY_WEAK = 1 << 24,
       FLAGS = FLAG_NO_ANCHOR_TIME | FLAG_NO_CRL | FLAG_ANY_CRITICAL | FLAG_SHA1 | PROFILE_VERY_WEAK };

/* --- which GnuTLS ----------------------------------------------------------- */

static const struct {
	const char *name;
	size_t offset;
} calls[] = {
#define NEED(result, name, parameters) { #name, offsetof(struct gnutls_calls, name) },
#include "gnutls.def"
#undef NEED
};

/* There is hardly more than one in a process; filled up from the front. */
static _Atomic(struct gnutls *) libraries[4];

static struct gnutls *make(struct link_map *map)
{
	void *handle = library_handle(map), *found; /* kept: our pointers into it must stay good */
	struct gnutls *lib = handle ? calloc(1, sizeof *lib) : NULL;

	if (!lib)
		return NULL;
	lib->key = map;
	lib->checkable = true;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		found = dlsym(handle, calls[i].name);
		memcpy((char *)&lib->call + calls[i].offset, &found, sizeof found);
		if (!found)
			lib->checkable = false;
	}
	if (!lib->checkable)
		report_note("tls-verify", "this GnuTLS lacks functions of version 3.4 and newer: its handshakes are not checked");
	return lib;
}

static struct gnutls *gnutls_at(void *site)
{
	struct link_map *caller = library_of(site), *map;
	struct gnutls *lib = NULL, *there;
	void *found;

	if (!caller) /* code made at run time: it sees what we see */
		caller = library_of((void *)gnutls_at);
	if (!caller)
		return NULL;
	found = library_sees(caller, "gnutls_global_init");
	if (!found)
		found = library_any(caller, "gnutls_global_init");
	map = found ? library_of(found) : NULL;
	for (size_t i = 0; map && i < sizeof libraries / sizeof *libraries; i++) {
		there = atomic_load(&libraries[i]);
		if (!there) {
			lib = lib ? lib : make(map);
			if (!lib || atomic_compare_exchange_strong(&libraries[i], &there, lib))
				return lib;
		}
		if (there->key == map) {
			free(lib);
			return there;
		}
	}
	free(lib);
	return NULL;
}

/* --- Java's judgement -------------------------------------------------------- */

static int nid_of_key(int algorithm)
{
	switch (algorithm) {
	case 1: /* GNUTLS_PK_RSA, _RSA_PSS, _DSA, _ECDSA */
	case 6:
		return TLS_KEY_RSA;
	case 2:
		return TLS_KEY_DSA;
	case 4:
		return TLS_KEY_EC;
	default:
		return 0;
	}
}

static unsigned extended_of(const struct gnutls_calls *call, CERTIFICATE *certificate)
{
	static const struct { const char *oid; unsigned bit; } known[] = {
		{ "1.3.6.1.5.5.7.3.1", TLS_EXTENDED_SERVER }, { "2.5.29.37.0", TLS_EXTENDED_ANY },
		{ "1.3.6.1.4.1.311.10.3.3", TLS_EXTENDED_GATED }, { "2.16.840.1.113730.4.1", TLS_EXTENDED_GATED },
	};
	unsigned bits = 0, critical;
	char oid[128];
	size_t size = sizeof oid;

	if (call->gnutls_x509_crt_get_key_purpose_oid(certificate, 0, oid, &size, &critical) < 0)
		return ~0U;
	for (unsigned i = 0; size = sizeof oid, call->gnutls_x509_crt_get_key_purpose_oid(certificate, i, oid, &size, &critical) == 0; i++)
		for (size_t j = 0; j < sizeof known / sizeof *known; j++)
			if (strcmp(oid, known[j].oid) == 0)
				bits |= known[j].bit;
	return bits;
}

static struct tls_certificate facts_of(const struct gnutls_calls *call, CERTIFICATE *certificate)
{
	unsigned bits = 0, usage = 0, critical, ca = 0;
	int signature = call->gnutls_x509_crt_get_signature_algorithm(certificate), length;
	struct tls_certificate facts = {
		.key_type = nid_of_key(call->gnutls_x509_crt_get_pk_algorithm(certificate, &bits)),
		.signature = signature == SIGN_RSA_MD5 || signature == SIGN_RSA_MD2 ? TLS_SIGNATURE_MD5 : 0,
		.usage = ~0U,
		.extended = extended_of(call, certificate),
		.version1 = call->gnutls_x509_crt_get_version(certificate) == 1,
	};

	facts.key_bits = (int)bits;
	if (call->gnutls_x509_crt_get_key_usage(certificate, &usage, &critical) >= 0)
		facts.usage = usage;
	facts.is_ca = call->gnutls_x509_crt_get_basic_constraints(certificate, &critical, &ca, &length) >= 0 && ca;
	return facts;
}

/* Is there a critical extension that a PKIX validator does not know?  GnuTLS would
 * ask this of the anchor too. */
static bool has_unknown_critical(const struct gnutls_calls *call, CERTIFICATE *certificate)
{
	static const char *const known[] = { "2.5.29.15", "2.5.29.17", "2.5.29.18", "2.5.29.19", "2.5.29.30",
					     "2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.37", "2.5.29.54" };
	unsigned critical = 0;
	char oid[128];
	size_t size = sizeof oid, at;

	for (unsigned i = 0; call->gnutls_x509_crt_get_extension_info(certificate, i, oid, &size, &critical) == 0; i++) {
		for (at = 0; at < sizeof known / sizeof *known && strcmp(oid, known[at]) != 0;)
			at++;
		if (critical && at == sizeof known / sizeof *known)
			return true;
		size = sizeof oid;
	}
	return false;
}

/* A chain from the server's certificate towards an anchor: the last of `path` if
 * `anchored`. */
struct path {
	CERTIFICATE *sent[TLS_LONGEST_CHAIN], *path[TLS_LONGEST_CHAIN + 1];
	unsigned sent_count, length;
	bool anchored;
};

static bool is_anchor(const struct gnutls_calls *call, const struct gnutls_store *store, CERTIFICATE *certificate)
{
	for (unsigned i = 0; i < store->count; i++)
		if (call->gnutls_x509_crt_equals(certificate, store->anchors[i]))
			return true;
	return false;
}

static CERTIFICATE *issuer_of(const struct gnutls_calls *call, CERTIFICATE *const *from, unsigned count, CERTIFICATE *certificate)
{
	for (unsigned i = 0; i < count; i++)
		if (call->gnutls_x509_crt_check_issuer(certificate, from[i]) && !call->gnutls_x509_crt_equals(certificate, from[i]))
			return from[i];
	return NULL;
}

static void find_path(const struct gnutls_calls *call, const struct gnutls_store *store, struct path *path)
{
	CERTIFICATE *certificate = path->sent[0], *issuer;

	while (certificate && path->length < TLS_LONGEST_CHAIN) {
		path->path[path->length++] = certificate;
		path->anchored = is_anchor(call, store, certificate);
		if (path->anchored)
			return;
		issuer = issuer_of(call, store->anchors, store->count, certificate);
		if (issuer) {
			path->path[path->length++] = issuer;
			path->anchored = true;
			return;
		}
		certificate = issuer_of(call, path->sent + 1, path->sent_count - 1, certificate);
	}
}

static int error_of_status(unsigned status)
{
	return status & STATUS_EXPIRED ? X509_HAS_EXPIRED : status & STATUS_NOT_ACTIVATED ? X509_NOT_YET_VALID : X509_UNTRUSTED;
}

static int judge_path(struct gnutls *lib, const struct gnutls_store *store, const struct path *path, bool encipher, int *at)
{
	const struct gnutls_calls *call = &lib->call;
	unsigned status = 0;
	int error;

	if (!path->anchored)
		return X509_UNTRUSTED;
	for (unsigned depth = path->length; depth-- > 0;) {
		struct tls_certificate facts = facts_of(call, path->path[depth]);

		*at = (int)depth;
		error = tls_certificate_error(&facts, (int)depth, depth == path->length - 1, encipher);
		if (error)
			return error;
		if (depth != path->length - 1 && has_unknown_critical(call, path->path[depth]))
			return X509_CRITICAL_EXTENSION;
	}
	*at = 0;
	if (path->length == 1)
		return X509_OK;
	if (call->gnutls_x509_trust_list_verify_crt(store->list, path->path, path->length - 1,
						    FLAGS, &status, NULL) < 0)
		return X509_UNSPECIFIED;
	return status ? error_of_status(status) : X509_OK;
}

/* As far as they can be read. */
static void read_sent(const struct gnutls_calls *call, const struct gnutls_bytes *peers, unsigned count, struct path *path)
{
	for (unsigned i = 0; i < count; i++) {
		if (call->gnutls_x509_crt_init(&path->sent[i]) < 0)
			return;
		if (call->gnutls_x509_crt_import(path->sent[i], &peers[i], GNUTLS_DER) < 0) {
			call->gnutls_x509_crt_deinit(path->sent[i]);
			return;
		}
		path->sent_count++;
	}
}

/* X509_OK, or what is wrong, and with which certificate as far as that is known. */
static int judge(struct gnutls *lib, SESSION *session, int *depth)
{
	const struct gnutls_calls *call = &lib->call;
	struct gnutls_store *store = gnutls_store(lib);
	struct path path = { .sent_count = 0 };
	unsigned count = 0;
	const struct gnutls_bytes *peers = call->gnutls_certificate_get_peers(session, &count);
	int error = X509_UNSPECIFIED;

	if (truststore.trust_all)
		return X509_OK;
	if (!store || !peers || count == 0 || call->gnutls_protocol_get_version(session) < VERSION_TLS_1_2)
		return X509_UNSPECIFIED;
	if (count > TLS_LONGEST_CHAIN)
		return X509_CHAIN_TOO_LONG;
	read_sent(call, peers, count, &path);
	if (path.sent_count == count) {
		find_path(call, store, &path);
		error = judge_path(lib, store, &path, call->gnutls_kx_get(session) == KX_RSA, depth);
	}
	while (path.sent_count > 0)
		call->gnutls_x509_crt_deinit(path.sent[--path.sent_count]);
	return error;
}

/* --- the calls --------------------------------------------------------------- */

/* Only a server's session has a name asked for; GnuTLS says no more of the side. */
static bool is_client(const struct gnutls_calls *call, SESSION *session)
{
	char name[256];
	size_t size = sizeof name;
	unsigned type;

	return call->gnutls_server_name_get(session, name, &size, &type, 0) == E_INVALID_REQUEST;
}

static int alert_of(int error)
{
	return error == X509_HAS_EXPIRED ? ALERT_EXPIRED : error == X509_UNTRUSTED ? ALERT_UNKNOWN_CA : ALERT_BAD_CERTIFICATE;
}

static int checked(struct gnutls *lib, SESSION *session, void *site)
{
	struct occasion at = { .call = "gnutls_handshake", .fd = lib->call.gnutls_transport_get_int(session), .site = site, .level = -1 };
	int depth = 0, error = judge(lib, session, &depth), rc;
	bool refused;

	if (error == X509_OK)
		return 0;
	at.sock = at.fd >= 0 ? track(at.fd) : NULL;
	refused = settled(decide_tls_verify(false), &at, &rc);
	shadow_put((struct shadow *)(uintptr_t)at.sock);
	truststore_distrusts(error, tls_error_text(error), depth);
	if (!refused)
		return 0;
	lib->call.gnutls_alert_send(session, ALERT_FATAL, alert_of(error));
	return E_VERIFICATION;
}

SHIM int gnutls_handshake(SESSION *session)
{
	void *site = __builtin_return_address(0);
	struct gnutls *lib = gnutls_at(site);
	int rc, saved;

	start_once();
	if (!lib || !lib->call.gnutls_handshake)
		return E_INTERNAL;
	rc = lib->call.gnutls_handshake(session);
	if (rc != 0 || !lib->checkable || !rule_active(TLS_VERIFY) || !is_client(&lib->call, session))
		return rc;
	saved = errno;
	rc = checked(lib, session, site);
	errno = saved;
	return rc;
}

/* What is left of the program's own verdict on a chain that Java trusts: the name. */
static void trust(struct gnutls *lib, SESSION *session, unsigned *status)
{
	int depth;

	if (!lib->checkable || rule_mode(TLS_VERIFY) != ENFORCE || *status == 0 || !is_client(&lib->call, session) ||
	    judge(lib, session, &depth) != X509_OK)
		return;
	*status &= STATUS_WRONG_OWNER;
	if (*status)
		*status |= STATUS_INVALID;
}

#define VERIFY_PEERS(name, ...)                                         \
	do {                                                            \
		struct gnutls *lib = gnutls_at(__builtin_return_address(0)); \
		int rc;                                                 \
		start_once();                                           \
		if (!lib || !lib->call.name)                            \
			return E_INTERNAL;                              \
		rc = lib->call.name(session, __VA_ARGS__);              \
		if (rc >= 0 && status)                                  \
			trust(lib, session, status);                    \
		return rc;                                              \
	} while (0)

SHIM int gnutls_certificate_verify_peers(SESSION *session, void *data, unsigned elements, unsigned *status)
{
	VERIFY_PEERS(gnutls_certificate_verify_peers, data, elements, status);
}

SHIM int gnutls_certificate_verify_peers2(SESSION *session, unsigned *status)
{
	VERIFY_PEERS(gnutls_certificate_verify_peers2, status);
}

SHIM int gnutls_certificate_verify_peers3(SESSION *session, const char *host, unsigned *status)
{
	VERIFY_PEERS(gnutls_certificate_verify_peers3, host, status);
}
