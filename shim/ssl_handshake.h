/* Handshakes of OpenSSL: what is decided before, between and after. */
#ifndef SSL_HANDSHAKE_H
#define SSL_HANDSHAKE_H

#include "openssl.h"

/* Is the chain to be refused, here and now? */
bool ssl_refused(struct openssl *lib, SSL *ssl, const char *call, void *site, const struct chain_verdict *chain);

/* The certificates of this handshake have been judged. */
void ssl_mark_checked(const struct openssl *lib, const SSL *ssl);

/* A verification in a handshake that no hooked call began. */
void ssl_catch_up(struct openssl *lib, SSL *ssl, void *site);

/* A call that reads or writes before there is a connection makes the handshake first.
 * We make it, and look at it, before that call: true, go on with the call; false, it
 * fails.  `bio`: the handshake is made by this BIO's own control function. */
bool ssl_established(struct openssl *lib, SSL *ssl, const char *call, void *site, BIO *bio);

/* Is there any rule that would have something to say of handshakes? */
bool ssl_rules_active(void);

#endif
