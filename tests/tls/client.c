/* client WAY [LINE]: a TLS client on loopback, written one WAY of many; reads
 * "NAME PORT" lines (or takes that one) and says "NAME ok" or "NAME fail: why" for each.
 * Verification is off, or the program's own accepts everything. */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int dial(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
		perror("connect");
		_exit(2);
	}
	return fd;
}

/* --- verifiers that accept everything -------------------------------------- */

static int accept_step(int ok, X509_STORE_CTX *ctx)
{
	(void)ok;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static int accept_chain(X509_STORE_CTX *ctx, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static int ask_and_accept(X509_STORE_CTX *ctx, void *arg)
{
	(void)arg;
	X509_verify_cert(ctx);
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static int refuse_chain(X509_STORE_CTX *ctx, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

static int refuse_step(int ok, X509_STORE_CTX *ctx)
{
	(void)ok;
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

/* --- ways to shake hands ---------------------------------------------------- */

static int by_write(SSL *ssl)
{
	return SSL_write(ssl, "x", 1);
}

static int by_write_ex(SSL *ssl)
{
	size_t sent;

	return SSL_write_ex(ssl, "x", 1, &sent);
}

/* The server speaks only when spoken to: SSL_read returns once the handshake is
 * over, as the descriptor is non-blocking by then. */
static int by_reading(SSL *ssl, int (*read_some)(SSL *, void *, int))
{
	struct pollfd fd = { SSL_get_fd(ssl), POLLIN, 0 };
	char byte;
	int rc;

	BIO_socket_nbio(fd.fd, 1);
	while ((rc = read_some(ssl, &byte, 1)) <= 0 && !SSL_is_init_finished(ssl)) {
		int error = SSL_get_error(ssl, rc);

		if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
			return rc;
		fd.events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		poll(&fd, 1, 20000);
	}
	BIO_socket_nbio(fd.fd, 0);
	return 1;
}

static int by_read(SSL *ssl)
{
	return by_reading(ssl, SSL_read);
}

static int by_peek(SSL *ssl)
{
	return by_reading(ssl, SSL_peek);
}

static int nonblocking(SSL *ssl)
{
	struct pollfd fd = { SSL_get_fd(ssl), POLLIN, 0 };
	int rc, error;

	BIO_socket_nbio(fd.fd, 1);
	while ((rc = SSL_do_handshake(ssl)) != 1) {
		error = SSL_get_error(ssl, rc);
		if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
			return rc;
		fd.events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		poll(&fd, 1, 20000);
	}
	BIO_socket_nbio(fd.fd, 0);
	return 1;
}

/* Through two memory BIOs, the bytes carried by hand. */
static int through_memory(SSL *ssl)
{
	int fd = SSL_get_fd(ssl), rc;
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	char bytes[20000];

	SSL_set_bio(ssl, in, out);
	for (;;) {
		rc = SSL_do_handshake(ssl);
		int failed = rc == 1 ? 0 : SSL_get_error(ssl, rc) != SSL_ERROR_WANT_READ;
		int size = BIO_read(out, bytes, sizeof bytes);

		if (size > 0 && write(fd, bytes, (size_t)size) != size)
			return -1;
		if (rc == 1 || failed)
			break;
		size = (int)read(fd, bytes, sizeof bytes);
		if (size <= 0)
			return -1;
		BIO_write(in, bytes, size);
	}
	if (rc == 1)
		SSL_set_fd(ssl, fd);
	return rc;
}

static int by_bio(SSL *ssl)
{
	BIO *bio = BIO_new(BIO_f_ssl());
	int rc;

	BIO_set_ssl(bio, ssl, BIO_NOCLOSE);
	rc = (int)BIO_do_handshake(bio);
	BIO_free(bio);
	return rc;
}

static const struct way {
	const char *name;
	int (*shake)(SSL *);
	int mode;
	int (*step)(int, X509_STORE_CTX *);
	int (*chain)(X509_STORE_CTX *, void *);
	int speaks; /* the handshake comes with a byte for the server */
	const char *ciphers;
} ways[] = {
	{ "connect", SSL_connect, SSL_VERIFY_NONE, NULL, NULL, 0, NULL },
	{ "do-handshake", SSL_do_handshake, SSL_VERIFY_NONE, NULL, NULL, 0, NULL },
	{ "write", by_write, SSL_VERIFY_NONE, NULL, NULL, 1, NULL },
	{ "write-ex", by_write_ex, SSL_VERIFY_NONE, NULL, NULL, 1, NULL },
	{ "read", by_read, SSL_VERIFY_NONE, NULL, NULL, 0, NULL },
	{ "peek", by_peek, SSL_VERIFY_NONE, NULL, NULL, 0, NULL },
	{ "nonblocking", nonblocking, SSL_VERIFY_NONE, NULL, NULL, 0, NULL },
	{ "memory", through_memory, SSL_VERIFY_NONE, NULL, NULL, 0, NULL },
	{ "bio", by_bio, SSL_VERIFY_NONE, NULL, NULL, 0, NULL },
	{ "accept-step", SSL_connect, SSL_VERIFY_PEER, accept_step, NULL, 0, NULL },
	{ "accept-chain", SSL_connect, SSL_VERIFY_PEER, NULL, accept_chain, 0, NULL },
	{ "ask-and-accept", SSL_connect, SSL_VERIFY_NONE, NULL, ask_and_accept, 0, NULL },
	{ "refuse-step", SSL_connect, SSL_VERIFY_PEER, refuse_step, NULL, 0, NULL },
	{ "anonymous", SSL_connect, SSL_VERIFY_NONE, NULL, NULL, 0, "aNULL:@SECLEVEL=0" },
	{ "anonymous-write", by_write, SSL_VERIFY_NONE, NULL, NULL, 1, "aNULL:@SECLEVEL=0" },
	{ "anonymous-bio", by_bio, SSL_VERIFY_NONE, NULL, NULL, 0, "aNULL:@SECLEVEL=0" },
	{ "old", SSL_connect, SSL_VERIFY_NONE, NULL, NULL, 0, "ALL:@SECLEVEL=0" },
	{ "refuse-chain", SSL_connect, SSL_VERIFY_PEER, NULL, refuse_chain, 0, NULL },
};

static const char *why(SSL *ssl, int rc)
{
	static char text[300];
	unsigned long error = ERR_peek_last_error();
	int kind = SSL_get_error(ssl, rc), saved = errno;

	snprintf(text, sizeof text, "SSL_get_error %d, %s, verify result %ld, errno %d", kind,
		 error ? ERR_reason_error_string(error) : "no error queued", SSL_get_verify_result(ssl), saved);
	return text;
}

static void try(SSL_CTX *ctx, const struct way *way, const char *name, int port)
{
	SSL *ssl = SSL_new(ctx);
	int fd = dial(port), rc;
	char answer[100];

	SSL_set_fd(ssl, fd);
	SSL_set_connect_state(ssl);
	ERR_clear_error();
	errno = 0;
	rc = way->shake(ssl);
	if (rc != 1)
		printf("%s fail: %s\n", name, why(ssl, rc));
	else if ((!way->speaks && SSL_write(ssl, "x", 1) != 1) || SSL_read(ssl, answer, sizeof answer) <= 0)
		printf("%s fail: no answer\n", name);
	else if (ERR_peek_error())
		printf("%s fail: an error was left in the queue: %s\n", name, ERR_reason_error_string(ERR_peek_error()));
	else
		printf("%s ok verify result %ld, errno %d\n", name, SSL_get_verify_result(ssl), errno);
	SSL_free(ssl);
	close(fd);
}

#ifdef LIBRARY
#define main client_main
int client_main(int argc, char **argv);
#endif

int main(int argc, char **argv)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const struct way *way = NULL;
	char name[100];
	int port;

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (argc > 1 && strcmp(argv[1], ways[i].name) == 0)
			way = &ways[i];
	if (!way || !ctx)
		return 2;
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_verify(ctx, way->mode, way->step);
	if (way->chain)
		SSL_CTX_set_cert_verify_callback(ctx, way->chain, NULL);
	if (way->ciphers && !SSL_CTX_set_cipher_list(ctx, way->ciphers))
		return 2;
	if (way->ciphers)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	if (argc > 2 && sscanf(argv[2], "%99s %d", name, &port) == 2)
		try(ctx, way, name, port);
	while (argc == 2 && scanf("%99s %d", name, &port) == 2)
		try(ctx, way, name, port);
	SSL_CTX_free(ctx);
	fflush(stdout);
	return 0;
}
