/* introspection NAME: asking a TCP socket what it is. */
#include "probe.h"

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	int option = is(name, "TYPE") ? SO_TYPE : is(name, "DOMAIN") ? SO_DOMAIN : is(name, "PROTOCOL") ? SO_PROTOCOL :
		     is(name, "ACCEPTCONN") ? SO_ACCEPTCONN : SO_ERROR, value = -1, rc;
	socklen_t len = sizeof value;

	rc = getsockopt(listener(8), SOL_SOCKET, option, &value, &len);
	printf("%s=%s\n", name, outcome(rc < 0 ? rc : value));
}
