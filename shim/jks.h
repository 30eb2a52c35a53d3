/* Sun's JKS key store format. */
#ifndef JKS_H
#define JKS_H

#include <stdbool.h>
#include <stddef.h>

/* One trusted certificate; false ends the reading. */
typedef bool jks_visit(const unsigned char *der, size_t size, void *arg);

/* Visit what a JVM trusts: the certificate entries, and the first certificate of
 * each key entry.  NULL, or what is wrong with the store.  *body becomes the
 * length of the part that the digest after it, if any, is taken over. */
const char *jks_read(const unsigned char *data, size_t size, jks_visit *visit, void *arg, size_t *body);

enum { JKS_DIGEST = 20 }; /* SHA-1 */

/* What the digest is taken over: the password as UTF-16, a phrase, the body.
 * malloc'ed; NULL if memory is out or the password (UTF-8) is none. */
unsigned char *jks_digested(const char *password, const unsigned char *body, size_t size, size_t *total);

#endif
