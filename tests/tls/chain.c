/* chain PORT WAY FILE [NAME]: two handshakes (WAY: none, peer, callback), verified against
 * FILE; says all that a program can ask about the chain, in its callback and after. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *subject(X509 *cert)
{
	static char text[300];

	return cert ? X509_NAME_oneline(X509_get_subject_name(cert), text, sizeof text) : "none";
}

static int step(int ok, X509_STORE_CTX *ctx)
{
	printf("step %d error %d depth %d cert %s\n", ok, X509_STORE_CTX_get_error(ctx), X509_STORE_CTX_get_error_depth(ctx),
	       subject(X509_STORE_CTX_get_current_cert(ctx)));
	printf("  issuer %s, chain of %d\n", subject(X509_STORE_CTX_get0_current_issuer(ctx)),
	       sk_X509_num(X509_STORE_CTX_get0_chain(ctx)));
	return ok;
}

static void tell(SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	X509 *peer = SSL_get_peer_certificate(ssl);

	for (int i = sk_X509_num(chain) - 1; i >= 0; i--)
		printf("chain %d %s\n", i, subject(sk_X509_value(chain, i)));
	printf("peer %s, sent %d, the chain's first: %d\n", subject(peer), sk_X509_num(SSL_get_peer_cert_chain(ssl)),
	       sk_X509_value(chain, 0) == peer);
	printf("result %ld, name %s, errors %d\n", SSL_get_verify_result(ssl),
	       SSL_get0_peername(ssl) ? SSL_get0_peername(ssl) : "none", ERR_peek_error() != 0);
	X509_free(peer);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (argc < 4 || SSL_CTX_load_verify_locations(ctx, argv[3], NULL) != 1)
		return 2;
	to.sin_port = htons((unsigned short)atoi(argv[1]));
	SSL_CTX_set_verify(ctx, strcmp(argv[2], "none") == 0 ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
			   strcmp(argv[2], "callback") == 0 ? step : NULL);
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		SSL *ssl = SSL_new(ctx);

		if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
			return 2;
		if (argc > 4)
			SSL_set1_host(ssl, argv[4]);
		SSL_set_fd(ssl, fd);
		printf("connect %d\n", SSL_connect(ssl));
		tell(ssl);
		SSL_free(ssl);
		close(fd);
	}
	SSL_CTX_free(ctx);
	return 0;
}
