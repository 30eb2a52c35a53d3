/* What the CPython adapter tells the rest of the shim. */
#ifndef PYTHON_H
#define PYTHON_H

#include "shim.h"

/* What the socket module is doing in this thread, for the libc calls that it
 * makes on its own behalf. */
enum python_doing { PYTHON_NOTHING, PYTHON_RECV, PYTHON_RECVFROM, PYTHON_OTHER };

extern _Thread_local enum python_doing python_doing __attribute__((tls_model("initial-exec")));

/* Set where a source address was withheld from CPython in this thread. */
extern _Thread_local bool python_source_hidden __attribute__((tls_model("initial-exec")));

/* Mode of new sockets by setdefaulttimeout: 0, or 1 + enum timing. */
extern _Atomic unsigned char python_default_timing;

#endif
