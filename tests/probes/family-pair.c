/* Java has no socketpair. */
#include "probe.h"

int main(void)
{
	int ends[2];

	printf("socketpair=%s\n", outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, ends)));
}
