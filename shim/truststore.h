/* The JVM's trust store: which one, and the bytes of its file.  Knows nothing of
 * a TLS library. */
#ifndef TRUSTSTORE_H
#define TRUSTSTORE_H

#include "jks.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum truststore_source {
	HOST_STORE,  /* the TLS library's default store */
	JVM_STORE,   /* $JAVA_HOME/lib/security/{jssecacerts,cacerts}, Debian's cacerts */
	NAMED_STORE, /* a file; missing or unreadable: trusts nothing */
	JAVA_OPTION  /* a file as -Djavax.net.ssl.trustStore names it */
};

/* Written once at start, constant afterwards. */
extern struct truststore {
	enum truststore_source source;
	bool trust_all;
	bool too_long;             /* a setting did not fit: trusts nothing */
	char path[PATH_MAX];
	char java_home[PATH_MAX];
	char host_file[PATH_MAX];  /* SSL_CERT_FILE and SSL_CERT_DIR as they were at */
	char host_directory[PATH_MAX]; /* start; what the program sets is its own affair */
	char password[512];        /* empty: none, as in Java */
} truststore;

/* Read the environment.  NULL, or the variable with a bad value (and `reason`). */
const char *truststore_settings(char *reason, size_t size);

/* The store's name for reports. */
const char *truststore_name(void);

enum truststore_kind { STORE_PEM, STORE_JKS, STORE_PKCS12 };

struct truststore_file {
	enum truststore_kind kind;
	unsigned char *data; /* malloc'ed */
	size_t size;
};

/* Read the store's file.  NULL, or why it cannot be used. */
const char *truststore_read(struct truststore_file *file);

/* Is it one, and which?  NULL, or what it is instead. */
const char *truststore_sniff(struct truststore_file *file, bool java_only);

/* Tell the report what a library's handshakes are checked against (a library that
 * it does not name is not checked), or why nothing is trusted. */
void truststore_used(const char *library);
void truststore_refused(const char *why);

/* Tell the report why a chain is not trusted (X509_*, in words, and at which
 * certificate), once a process for each error. */
void truststore_distrusts(int error, const char *why, int depth);

/* What a TLS library made of the store, once a process. */
struct truststore_slot {
	_Atomic(void *) made;
	_Atomic int loading; /* the process that is at it; 0: none */
};

/* Make it with the first call, on one thread while the others wait.  NULL: build
 * returned NULL, and will be asked again. */
void *truststore_once(struct truststore_slot *slot, void *(*build)(void *), void *arg);

/* --- truststore_fill.c ----------------------------------------------------- */

#define TRUSTSTORE_BAD_CERTIFICATE "it holds a certificate that cannot be read"
#define TRUSTSTORE_NO_MEMORY "out of memory"

/* What a TLS library does to take the file's certificates into a store of its own. */
struct truststore_reader {
	jks_visit *add_der;
	jks_visit *add_pem; /* the first block of the text */
	const char *(*add_pkcs12)(const unsigned char *data, size_t size, void *arg); /* NULL, or why not */
	bool (*sha1)(const unsigned char *data, size_t size, unsigned char *digest, void *arg);
};

/* Read the store's file, pass on what it holds.  NULL, or why nothing is to be trusted. */
const char *truststore_fill(const struct truststore_reader *reader, void *arg);

#endif
