/* clock PORT DAYS...: one handshake after the other, each that many days from now
 * by this program's own clock: "DAYS ok" or "DAYS fail: verify result".  The verifier
 * accepts everything. */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static time_t ahead;

/* OpenSSL's calls come here, and those of whatever is preloaded. */
time_t time(time_t *into)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	if (into)
		*into = now.tv_sec + ahead;
	return now.tv_sec + ahead;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	to.sin_port = htons((unsigned short)(argc > 1 ? atoi(argv[1]) : 0));
	for (int i = 2; i < argc; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		SSL *ssl = SSL_new(ctx);

		if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
			return 2;
		ahead = (time_t)atoi(argv[i]) * 86400;
		SSL_set_fd(ssl, fd);
		if (SSL_connect(ssl) == 1)
			printf("%s ok\n", argv[i]);
		else
			printf("%s fail: %ld\n", argv[i], SSL_get_verify_result(ssl));
		SSL_free(ssl);
		close(fd);
	}
	SSL_CTX_free(ctx);
	return 0;
}
