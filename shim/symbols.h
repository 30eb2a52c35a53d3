/* Arguments in words: SO_REUSEPORT, not 15. */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include "shim.h"

/* Write the arguments of the call, as a reader knows them, to text (never empty
 * if true). */
bool symbols_arguments(const struct occasion *at, char *text, size_t size);

/* "IPPROTO_TCP, TCP_NODELAY". */
void symbols_option(int level, int option, char *text, size_t size);

/* ENOPROTOOPT; ESOCKISBLOCKING for Jython's own 20000. */
const char *symbols_errno(int number);

#endif
