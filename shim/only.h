/* JYTHONSOCK_ONLY: enforce at some call sites only, and there at some occurrences
 * only; report everywhere else. */
#ifndef ONLY_H
#define ONLY_H

#include "site.h"

/* Take "rule@site#n,…" (read only_parse's comment); false, and why, if it is wrong. */
bool only_parse(const char *text, char *reason, size_t size);

/* Is it at any occurrence at this site?  Counts nothing. */
bool only_covers(enum rule rule, struct site *site);

/* May the rule be enforced at this occasion?  Counts it. */
bool only_admits(enum rule rule, struct site *site);

#endif
