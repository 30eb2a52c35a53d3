/* Java's side of TLS: JSSE of Java 17 with its default security properties. */
#include "decide_tls.h"

#include "decide.h"

#include <errno.h>

enum { USAGE_CERTIFICATES = 0x04, USAGE_ENCIPHER = 0x20, USAGE_SIGN = 0x80 };

struct verdict decide_tls_verify(bool good)
{
	return good ? PASS : rule_answer(TLS_VERIFY, 0, 0);
}

struct verdict decide_tls_server(void)
{
	return rule_fail(TLS_SERVER, EOPNOTSUPP);
}

/* IllegalBlockingModeException, which Jython 2.5 maps to ESOCKISBLOCKING. */
struct verdict decide_tls_nonblocking(const struct shadow *sock)
{
	if (!sock || shadow_timing(sock, RECEIVE) != NONBLOCKING)
		return PASS;
	return rule_fail(TLS_NONBLOCKING, ESOCKISBLOCKING);
}

struct verdict decide_tls_client_certificate(void)
{
	return rule_answer(TLS_CLIENT_CERTIFICATE, 0, 0);
}

bool tls_error_is_name(int error)
{
	return error == X509_HOST_MISMATCH || error == X509_EMAIL_MISMATCH || error == X509_ADDRESS_MISMATCH;
}

/* PKIXValidator takes an anchor's dates and extensions as they come; of a server certificate
 * that is itself in the store it asks nothing at all. */
bool tls_error_forgiven(int error, bool anchor, int depth)
{
	switch (error) {
	case X509_NOT_YET_VALID:
	case X509_HAS_EXPIRED:
	case X509_CRITICAL_EXTENSION:
		return anchor;
	case X509_INVALID_PURPOSE:
		return anchor && depth == 0;
	case X509_KEY_TOO_SMALL:
	case X509_CA_KEY_TOO_SMALL:
	case X509_DIGEST_TOO_WEAK:
		return true; /* OpenSSL's measure; Java's is tls_certificate_error */
	default:
		return false;
	}
}

/* jdk.certpath.disabledAlgorithms */
static bool weak_key(const struct tls_certificate *certificate)
{
	switch (certificate->key_type) {
	case TLS_KEY_RSA:
	case TLS_KEY_RSA_PSS:
	case TLS_KEY_DSA:
		return certificate->key_bits < 1024;
	case TLS_KEY_EC:
		return certificate->key_bits < 224;
	default:
		return false;
	}
}

static bool weak_signature(const struct tls_certificate *certificate)
{
	return certificate->signature == TLS_SIGNATURE_MD2 || certificate->signature == TLS_SIGNATURE_MD5 ||
	       certificate->signature == TLS_SIGNATURE_MD5_OLD;
}

/* EndEntityChecker.checkTLSServer */
static bool serves(const struct tls_certificate *certificate, bool encipher)
{
	if (!(certificate->usage & (encipher ? USAGE_ENCIPHER : USAGE_SIGN)))
		return false;
	return (certificate->extended & (TLS_EXTENDED_SERVER | TLS_EXTENDED_GATED | TLS_EXTENDED_ANY)) != 0;
}

int tls_certificate_error(const struct tls_certificate *certificate, int depth, bool anchor, bool encipher)
{
	if (depth == 0 && weak_signature(certificate)) /* JSSE tells servers not to send it, anchor or not */
		return X509_DIGEST_TOO_WEAK;
	if (anchor && depth == 0)
		return X509_OK;
	if (weak_key(certificate))
		return depth ? X509_CA_KEY_TOO_SMALL : X509_KEY_TOO_SMALL;
	if (!anchor && weak_signature(certificate))
		return X509_DIGEST_TOO_WEAK;
	if (depth == 0 && !serves(certificate, encipher))
		return X509_INVALID_PURPOSE;
	if (depth > 0 && !certificate->version1 && !certificate->is_ca)
		return X509_INVALID_PURPOSE;
	if (depth > 0 && !(certificate->usage & USAGE_CERTIFICATES))
		return X509_INVALID_PURPOSE;
	return X509_OK;
}

/* SSLv3, TLS 1.0, TLS 1.1; DTLS counts downwards from DTLS 1.0. */
bool tls_version_disabled(int version)
{
	return version < 0x0303 || version == 0xfeff;
}

const char *tls_error_text(int error)
{
	switch (error) {
	case X509_NOT_YET_VALID:
		return "certificate is not yet valid";
	case X509_HAS_EXPIRED:
		return "certificate has expired";
	case X509_CHAIN_TOO_LONG:
		return "certificate chain too long";
	case X509_INVALID_PURPOSE:
		return "unsuitable certificate purpose";
	case X509_UNTRUSTED:
		return "certificate not trusted";
	case X509_CRITICAL_EXTENSION:
		return "unhandled critical extension";
	case X509_KEY_TOO_SMALL:
	case X509_CA_KEY_TOO_SMALL:
		return "certificate key too weak";
	case X509_DIGEST_TOO_WEAK:
		return "signature digest algorithm too weak";
	default:
		return "certificate verification error";
	}
}
