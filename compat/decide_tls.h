/* What would Java say of a certificate chain and of a TLS handshake?  Pure
 * functions of facts that shim/ has read from the TLS library. */
#ifndef DECIDE_TLS_H
#define DECIDE_TLS_H

#include "shadow.h"
#include "verdict.h"

/* The chain that a server showed was not, or was, found good by Java's rules. */
struct verdict decide_tls_verify(bool good);

/* A handshake is about to begin: as a server; on this socket; with a client
 * certificate configured. */
struct verdict decide_tls_server(void);
struct verdict decide_tls_nonblocking(const struct shadow *sock);
struct verdict decide_tls_client_certificate(void);

/* X509_V_ERR_*: the errors of X509_verify_cert that are told apart here.  Their
 * numbers are the same in every OpenSSL since 1.1.0. */
enum {
	X509_OK = 0,
	X509_UNSPECIFIED = 1,
	X509_NOT_YET_VALID = 9,
	X509_HAS_EXPIRED = 10,
	X509_CHAIN_TOO_LONG = 22,
	X509_INVALID_PURPOSE = 26,
	X509_UNTRUSTED = 27,
	X509_CRITICAL_EXTENSION = 34,
	X509_HOST_MISMATCH = 62,
	X509_EMAIL_MISMATCH = 63,
	X509_ADDRESS_MISMATCH = 64,
	X509_KEY_TOO_SMALL = 66,
	X509_CA_KEY_TOO_SMALL = 67,
	X509_DIGEST_TOO_WEAK = 68
};

/* The error in OpenSSL's words. */
const char *tls_error_text(int error);

/* Is this error about the name the program asked for, which Java leaves alone? */
bool tls_error_is_name(int error);

/* Does Java overlook this error at this certificate?  `anchor`: it is the
 * chain's trust anchor; `depth`: 0 for the server's own certificate. */
bool tls_error_forgiven(int error, bool anchor, int depth);

/* OpenSSL's numbers (NID_*, XKU_*) for what Java tells apart. */
enum { TLS_KEY_RSA = 6, TLS_KEY_DSA = 116, TLS_KEY_EC = 408, TLS_KEY_RSA_PSS = 912 };
enum { TLS_SIGNATURE_MD2 = 7, TLS_SIGNATURE_MD5 = 8, TLS_SIGNATURE_MD5_OLD = 104 };
enum { TLS_EXTENDED_SERVER = 0x01, TLS_EXTENDED_GATED = 0x10, TLS_EXTENDED_ANY = 0x100 };

/* One certificate of a chain, as far as Java's own checks go. */
struct tls_certificate {
	int key_type;        /* TLS_KEY_*, or another */
	int key_bits;
	int signature;       /* TLS_SIGNATURE_*, or another */
	unsigned usage;      /* X509v3 keyUsage bits; ~0: no such extension */
	unsigned extended;   /* TLS_EXTENDED_* and others; ~0: no such extension */
	bool version1;
	bool is_ca;          /* basicConstraints say CA:TRUE */
};

/* X509_OK, or what Java has against this certificate at this depth.  `alone`:
 * the server's certificate is itself the anchor; `encipher`: the key exchange
 * encrypts to the certificate's key (TLS_RSA_*), else it signs. */
int tls_certificate_error(const struct tls_certificate *certificate, int depth, bool anchor, bool encipher);

/* jdk.tls.maxCertificateChainLength. */
enum { TLS_LONGEST_CHAIN = 10 };

/* jdk.tls.disabledAlgorithms: is this protocol version (as on the wire) among them? */
bool tls_version_disabled(int version);

#endif
