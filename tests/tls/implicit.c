/* implicit SIDE KIND WAY TIMING [FILE]: a TLS connection of this program with itself,
 * whose SIDE (client or server) never asks for a handshake: its first read or write
 * makes it.  Neither has a certificate: KIND is anonymous, psk or psk13 (TLS 1.3).
 * TIMING: blocking or nonblocking.  FILE: certificate and key that the client offers.
 * Says "ok" or what the program sees, and whether anything can be read afterwards. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2]; /* of a TCP connection: ours, the other side's */
static int server;  /* we are */

static void connect_ends(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &size) || connect(client, (struct sockaddr *)&address, size))
		perror("connect");
	ends[!server] = accept(listener, NULL, NULL);
	ends[server] = client;
	close(listener);
}

/* --- keys ------------------------------------------------------------------- */

static unsigned client_key(SSL *ssl, const char *hint, char *identity, unsigned size, unsigned char *key, unsigned room)
{
	(void)ssl, (void)hint, (void)room;
	snprintf(identity, size, "somebody");
	memset(key, 7, 32);
	return 32;
}

static unsigned server_key(SSL *ssl, const char *identity, unsigned char *key, unsigned room)
{
	(void)ssl, (void)identity, (void)room;
	memset(key, 7, 32);
	return 32;
}

static SSL_CTX *context(const char *kind)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	int psk = strncmp(kind, "psk", 3) == 0;

	SSL_CTX_set_security_level(ctx, 0);
	if (strcmp(kind, "psk13") == 0) {
		SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
	} else {
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
		SSL_CTX_set_cipher_list(ctx, psk ? "PSK-AES128-GCM-SHA256" : "aNULL");
	}
	if (psk) {
		SSL_CTX_set_psk_client_callback(ctx, client_key);
		SSL_CTX_set_psk_server_callback(ctx, server_key);
	}
	return ctx;
}

/* The other side greets, and takes what comes. */
static void *other(void *arg)
{
	SSL *ssl = SSL_new(arg);
	char data[100];

	SSL_set_fd(ssl, ends[1]);
	if ((server ? SSL_connect(ssl) : SSL_accept(ssl)) == 1 && SSL_write(ssl, "hello\n", 6) == 6)
		while (SSL_read(ssl, data, sizeof data) > 0)
			;
	close(ends[1]);
	SSL_free(ssl);
	return NULL;
}

/* --- ways ------------------------------------------------------------------- */

static char byte;
static size_t done;

static int by_read(SSL *ssl)     { return SSL_read(ssl, &byte, 1); }
static int by_read_ex(SSL *ssl)  { return SSL_read_ex(ssl, &byte, 1, &done); }
static int by_peek(SSL *ssl)     { return SSL_peek(ssl, &byte, 1); }
static int by_peek_ex(SSL *ssl)  { return SSL_peek_ex(ssl, &byte, 1, &done); }
static int by_write(SSL *ssl)    { return SSL_write(ssl, "x", 1); }
static int by_write_ex(SSL *ssl) { return SSL_write_ex(ssl, "x", 1, &done); }

static BIO *filter;

static BIO *filter_of(SSL *ssl)
{
	if (!filter) {
		filter = BIO_new(BIO_f_ssl());
		BIO_set_ssl(filter, ssl, BIO_NOCLOSE);
	}
	return filter;
}

static int by_bio_read(SSL *ssl)  { return BIO_read(filter_of(ssl), &byte, 1); }
static int by_bio_write(SSL *ssl) { return BIO_write(filter_of(ssl), "x", 1); }
static int by_bio_puts(SSL *ssl)  { return BIO_puts(filter_of(ssl), "x"); }

/* Lines through a buffer on top, as s_server -WWW does. */
static int by_bio_gets(SSL *ssl)
{
	static BIO *lines;
	char line[100];

	if (!lines)
		lines = BIO_push(BIO_new(BIO_f_buffer()), filter_of(ssl));
	return BIO_gets(lines, line, sizeof line);
}

/* The bytes are carried by hand between the descriptor and two memory BIOs. */
static int by_memory(SSL *ssl)
{
	static BIO *in, *out;
	char bytes[20000];
	int rc, error, size;

	if (!in) {
		in = BIO_new(BIO_s_mem());
		out = BIO_new(BIO_s_mem());
		SSL_set_bio(ssl, in, out);
	}
	for (;;) {
		rc = SSL_write(ssl, "x", 1);
		error = SSL_get_error(ssl, rc);
		size = BIO_read(out, bytes, sizeof bytes);
		if (size > 0 && write(ends[0], bytes, (size_t)size) != size)
			return -1;
		if (rc > 0 || error != SSL_ERROR_WANT_READ)
			return rc;
		size = (int)read(ends[0], bytes, sizeof bytes);
		if (size <= 0)
			return -1;
		BIO_write(in, bytes, size);
	}
}

static const struct {
	const char *name;
	int (*go)(SSL *);
} ways[] = {
	{ "read", by_read }, { "read-ex", by_read_ex }, { "peek", by_peek }, { "peek-ex", by_peek_ex },
	{ "write", by_write }, { "write-ex", by_write_ex }, { "bio-read", by_bio_read }, { "bio-write", by_bio_write },
	{ "bio-puts", by_bio_puts }, { "bio-gets", by_bio_gets }, { "memory", by_memory },
};

static int again(SSL *ssl, int rc)
{
	int error = SSL_get_error(ssl, rc);
	struct pollfd fd = { ends[0], error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN, 0 };

	if (filter ? !BIO_should_retry(filter) : error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		return 0;
	return poll(&fd, 1, 10000) == 1;
}

static void tell(SSL *ssl, int rc)
{
	int saved = errno, error = SSL_get_error(ssl, rc);
	const char *reason = ERR_peek_error() ? ERR_reason_error_string(ERR_peek_error()) : NULL;

	if (rc > 0) {
		printf("ok\n");
		return;
	}
	printf("fail: SSL_get_error %d, %s, verify result %ld", error, reason ? reason : strerror(saved), SSL_get_verify_result(ssl));
	ERR_clear_error();
	printf(", then %s\n", SSL_read(ssl, &byte, 1) > 0 ? "something is read" : "nothing is read");
}

int main(int argc, char **argv)
{
	SSL_CTX *ctx;
	pthread_t thread;
	SSL *ssl;
	int (*go)(SSL *) = NULL, rc;

	for (size_t i = 0; argc > 4 && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(argv[3], ways[i].name) == 0)
			go = ways[i].go;
	if (!go)
		return 2;
	server = strcmp(argv[1], "server") == 0;
	ctx = context(argv[2]);
	signal(SIGPIPE, SIG_IGN);
	connect_ends();
	pthread_create(&thread, NULL, other, ctx);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, ends[0]);
	if (argc > 5 && (SSL_use_certificate_file(ssl, argv[5], SSL_FILETYPE_PEM) != 1 || SSL_use_PrivateKey_file(ssl, argv[5], SSL_FILETYPE_PEM) != 1))
		return 2;
	if (strcmp(argv[4], "nonblocking") == 0)
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
	if (server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	errno = 0;
	do
		rc = go(ssl);
	while (rc <= 0 && again(ssl, rc));
	tell(ssl, rc);
	close(ends[0]);
	pthread_join(thread, NULL);
	BIO_free(filter);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return 0;
}
