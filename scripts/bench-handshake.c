/* stream read|write COUNT: so many reads of nothing, or writes of a byte, on a TLS
 * connection that stands, through memory and without a socket: for scripts/bench-handshake. */
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

static SSL *end_of(SSL_CTX *ctx, BIO *bio, int server)
{
	SSL *ssl = SSL_new(ctx);

	SSL_set_bio(ssl, bio, bio);
	if (server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}

int main(int argc, char **argv)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	BIO *mine, *other;
	SSL *client, *server;
	char byte = 0;

	if (argc < 3 || BIO_new_bio_pair(&mine, 1 << 20, &other, 1 << 20) != 1)
		return 2;
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(ctx, "aNULL:@SECLEVEL=0");
	client = end_of(ctx, mine, 0);
	server = end_of(ctx, other, 1);
	for (int i = 0; i < 10 && SSL_do_handshake(client) + SSL_do_handshake(server) != 2; i++)
		;
	if (!SSL_is_init_finished(client))
		return 1;
	for (long i = 0; i < atol(argv[2]); i++)
		if (strcmp(argv[1], "read") == 0)
			SSL_read(client, &byte, 1);
		else if (SSL_write(client, &byte, 1) != 1)
			return 1;
	return 0;
}
