/* sessions PORT MODE [FILE]: what one process does with many TLS connections.
 *   resume          connect, connect again with the session: "reused 0 1"
 *   save, load      keep the session in FILE, offer it from FILE
 *   threads N M     N threads with M handshakes each: "good X bad Y"
 *   forks N         N children with one handshake each, before and after the parent's
 *   many N          N handshakes: "good X bad Y grown K" (KiB of resident memory in the second half)
 *   time N [FILE [callback]]   N handshakes: nanoseconds of processor time for each;
 *                   verified against FILE, a callback accepting everything */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int port, rounds;
static SSL_CTX *ctx;
static atomic_int good, bad;

/* Returns a connection on which a byte has gone there and back, or NULL. */
static SSL *talk(SSL_SESSION *session)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	SSL *ssl = SSL_new(ctx);
	char answer[100];

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
		perror("connect");
		exit(2);
	}
	SSL_set_fd(ssl, fd);
	if (session)
		SSL_set_session(ssl, session);
	if (SSL_connect(ssl) == 1 && SSL_write(ssl, "x", 1) == 1 && SSL_read(ssl, answer, sizeof answer) > 0)
		return ssl;
	ERR_clear_error();
	close(fd);
	SSL_free(ssl);
	return NULL;
}

static void hang_up(SSL *ssl)
{
	close(SSL_get_fd(ssl));
	SSL_free(ssl);
}

static void *handshakes(void *arg)
{
	for (int i = 0; i < rounds; i++) {
		SSL *ssl = talk(NULL);

		if (ssl)
			hang_up(ssl);
		atomic_fetch_add(ssl ? &good : &bad, 1);
	}
	return arg;
}

static void threads(int count)
{
	pthread_t ids[100];

	for (int i = 0; i < count; i++)
		pthread_create(&ids[i], NULL, handshakes, NULL);
	for (int i = 0; i < count; i++)
		pthread_join(ids[i], NULL);
	printf("good %d bad %d\n", good, bad);
}

/* The first handshakes of the process load the store; children are born meanwhile. */
/* Half of the children come before the parent's first handshake, half after.  No
 * threads: neither libc's gmtime nor OpenSSL survives a fork that other threads'
 * handshakes overlap. */
static void forks(int count)
{
	int status, failed = 0;

	rounds = 1;
	for (int i = 0; i < count; i++) {
		if (i == count / 2)
			handshakes(NULL);
		if (fork() == 0) {
			alarm(20);
			_exit(talk(NULL) ? 0 : 1);
		}
	}
	while (count-- > 0)
		failed += wait(&status) < 0 || status != 0;
	printf("good %d bad %d children failed %d\n", good, bad, failed);
}

static long resident(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (!statm || fscanf(statm, "%*d %ld", &pages) != 1)
		pages = 0;
	if (statm)
		fclose(statm);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void many(int count)
{
	long before;

	rounds = count / 2;
	handshakes(NULL);
	before = resident();
	handshakes(NULL);
	printf("good %d bad %d grown %ld\n", good, bad, resident() - before);
}

static int accept_step(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static void timed(int count)
{
	struct timespec from, to;

	rounds = 20;
	handshakes(NULL);
	rounds = count;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	handshakes(NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	printf("%ld\n", ((to.tv_sec - from.tv_sec) * 1000000000L + to.tv_nsec - from.tv_nsec) / count);
}

static void resume(void)
{
	SSL *first = talk(NULL), *second = first ? talk(SSL_get1_session(first)) : NULL;

	if (!second) {
		printf("refused\n");
		return;
	}
	printf("reused %d %d\n", SSL_session_reused(first), SSL_session_reused(second));
	hang_up(first);
	hang_up(second);
}

static void save(const char *name)
{
	SSL *ssl = talk(NULL);
	BIO *file = BIO_new_file(name, "w");

	printf("%s\n", ssl && PEM_write_bio_SSL_SESSION(file, SSL_get0_session(ssl)) ? "saved" : "refused");
	BIO_free(file);
}

static void load(const char *name)
{
	BIO *file = BIO_new_file(name, "r");
	SSL *ssl = talk(PEM_read_bio_SSL_SESSION(file, NULL, NULL, NULL));

	if (ssl)
		printf("reused %d\n", SSL_session_reused(ssl));
	else
		printf("refused\n");
	BIO_free(file);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "", *more = argc > 3 ? argv[3] : "0";

	port = argc > 1 ? atoi(argv[1]) : 0;
	ctx = SSL_CTX_new(TLS_client_method());
	if (strcmp(mode, "resume") == 0) {
		resume();
	} else if (strcmp(mode, "save") == 0) {
		save(more);
	} else if (strcmp(mode, "load") == 0) {
		load(more);
	} else if (strcmp(mode, "threads") == 0) {
		rounds = argc > 4 ? atoi(argv[4]) : 1;
		threads(atoi(more));
	} else if (strcmp(mode, "forks") == 0) {
		forks(atoi(more));
	} else if (strcmp(mode, "many") == 0) {
		many(atoi(more));
	} else if (strcmp(mode, "time") == 0) {
		if (argc > 4) {
			SSL_CTX_load_verify_locations(ctx, argv[4], NULL);
			SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, argc > 5 ? accept_step : NULL);
		}
		timed(atoi(more));
	} else {
		return 2;
	}
	SSL_CTX_free(ctx);
	return 0;
}
