/* Reading and writing.  On a connection that stands, a few instructions and a jump;
 * before that, the handshake that these calls would make by themselves. */
#include "shim.h"
#include "ssl_handshake.h"

int SSL_read(SSL *ssl, void *data, int size);
int SSL_read_ex(SSL *ssl, void *data, size_t size, size_t *done);
int SSL_peek(SSL *ssl, void *data, int size);
int SSL_peek_ex(SSL *ssl, void *data, size_t size, size_t *done);
int SSL_write(SSL *ssl, const void *data, int size);
int SSL_write_ex(SSL *ssl, const void *data, size_t size, size_t *done);
const BIO_METHOD *BIO_f_ssl(void);

#define STREAM(name, failed, ...)                                                               \
	do {                                                                                    \
		void *site = __builtin_return_address(0);                                       \
		struct openssl *lib = openssl_at(site);                                         \
		if (__builtin_expect(!lib || !lib->call.name, 0))                               \
			return failed;                                                          \
		if (__builtin_expect(lib->checkable && ssl && lib->call.SSL_in_init(ssl), 0) && \
		    !ssl_established(lib, ssl, #name, site, NULL))                              \
			return failed;                                                          \
		return lib->call.name(ssl, __VA_ARGS__);                                        \
	} while (0)

SHIM int SSL_read(SSL *ssl, void *data, int size)
{
	STREAM(SSL_read, -1, data, size);
}

SHIM int SSL_read_ex(SSL *ssl, void *data, size_t size, size_t *done)
{
	STREAM(SSL_read_ex, 0, data, size, done);
}

SHIM int SSL_peek(SSL *ssl, void *data, int size)
{
	STREAM(SSL_peek, -1, data, size);
}

SHIM int SSL_peek_ex(SSL *ssl, void *data, size_t size, size_t *done)
{
	STREAM(SSL_peek_ex, 0, data, size, done);
}

SHIM int SSL_write(SSL *ssl, const void *data, int size)
{
	STREAM(SSL_write, -1, data, size);
}

SHIM int SSL_write_ex(SSL *ssl, const void *data, size_t size, size_t *done)
{
	STREAM(SSL_write_ex, 0, data, size, done);
}

/* --- the filter BIO ---------------------------------------------------------- */

/* Since OpenSSL 1.1.1 it does not come by SSL_read and SSL_write, nor by SSL_do_handshake
 * where libssl is linked with -Bsymbolic.  So programs get a method like OpenSSL's, but
 * for these. */

enum { TYPE_SSL = 0x0207, C_DO_STATE_MACHINE = 101, C_GET_SSL = 110, FLAGS_RETRY = 0x0f };

static bool is_established(struct openssl *lib, BIO *bio, const char *name, void *site)
{
	const struct openssl_calls *call = &lib->call;
	SSL *ssl = NULL;

	call->BIO_meth_get_ctrl(call->BIO_f_ssl())(bio, C_GET_SSL, 0, &ssl);
	if (!ssl || !call->SSL_in_init(ssl))
		return true;
	call->BIO_clear_flags(bio, FLAGS_RETRY);
	return ssl_established(lib, ssl, name, site, bio);
}

static int filter_read(struct openssl *lib, BIO *bio, char *data, size_t size, size_t *done, void *site)
{
	if (!is_established(lib, bio, "BIO_read", site))
		return -1;
	return lib->call.BIO_meth_get_read_ex(lib->call.BIO_f_ssl())(bio, data, size, done);
}

static int filter_write(struct openssl *lib, BIO *bio, const char *data, size_t size, size_t *done, void *site)
{
	if (!is_established(lib, bio, "BIO_write", site))
		return -1;
	return lib->call.BIO_meth_get_write_ex(lib->call.BIO_f_ssl())(bio, data, size, done);
}

static long filter_control(struct openssl *lib, BIO *bio, int command, long number, void *arg, void *site)
{
	if (command == C_DO_STATE_MACHINE && !is_established(lib, bio, "BIO_do_handshake", site))
		return -1;
	return lib->call.BIO_meth_get_ctrl(lib->call.BIO_f_ssl())(bio, command, number, arg);
}

/* A BIO does not tell whose it is: each library has functions of its own. */
#define FILTERS FILTER(1) FILTER(2) FILTER(3) FILTER(4) FILTER(5) FILTER(6) FILTER(7)

#define FILTER(n)                                                                                       \
	static int read_##n(BIO *bio, char *data, size_t size, size_t *done)                            \
	{                                                                                               \
		return filter_read(openssl_numbered[n], bio, data, size, done, __builtin_return_address(0)); \
	}                                                                                               \
	static int write_##n(BIO *bio, const char *data, size_t size, size_t *done)                     \
	{                                                                                               \
		return filter_write(openssl_numbered[n], bio, data, size, done, __builtin_return_address(0)); \
	}                                                                                               \
	static long control_##n(BIO *bio, int command, long number, void *arg)                          \
	{                                                                                               \
		return filter_control(openssl_numbered[n], bio, command, number, arg, __builtin_return_address(0)); \
	}
FILTERS
#undef FILTER

static const struct {
	bio_read *read;
	bio_write *write;
	bio_control *control;
} filters[OPENSSL_NUMBERED] = {
#define FILTER(n) [n] = { read_##n, write_##n, control_##n },
	FILTERS
#undef FILTER
};

static BIO_METHOD *make_filter(const struct openssl *lib)
{
	const struct openssl_calls *call = &lib->call;
	const BIO_METHOD *original = call->BIO_f_ssl();
	BIO_METHOD *method = call->BIO_meth_new(TYPE_SSL, "ssl");

	if (!method)
		return NULL;
	call->BIO_meth_set_read_ex(method, filters[lib->number].read);
	call->BIO_meth_set_write_ex(method, filters[lib->number].write);
	call->BIO_meth_set_puts(method, call->BIO_meth_get_puts(original));
	call->BIO_meth_set_gets(method, call->BIO_meth_get_gets(original));
	call->BIO_meth_set_ctrl(method, filters[lib->number].control);
	call->BIO_meth_set_create(method, call->BIO_meth_get_create(original));
	call->BIO_meth_set_destroy(method, call->BIO_meth_get_destroy(original));
	call->BIO_meth_set_callback_ctrl(method, call->BIO_meth_get_callback_ctrl(original));
	return method;
}

static const BIO_METHOD *filter_of(struct openssl *lib)
{
	BIO_METHOD *method = atomic_load(&lib->filter), *other = NULL;

	if (method)
		return method;
	method = make_filter(lib);
	if (!method || atomic_compare_exchange_strong(&lib->filter, &other, method))
		return method;
	lib->call.BIO_meth_free(method);
	return other;
}

SHIM const BIO_METHOD *BIO_f_ssl(void)
{
	struct openssl *lib = openssl_at(__builtin_return_address(0));

	if (!lib || !lib->call.BIO_f_ssl)
		return NULL;
	if (!lib->checkable || !lib->number || !lib->call.BIO_meth_set_read_ex || !ssl_rules_active())
		return lib->call.BIO_f_ssl();
	return filter_of(lib);
}
