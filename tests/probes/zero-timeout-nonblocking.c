/* O_NONBLOCK is setblocking(False): no timeout, zero or not, counts. */
#include "probe.h"

int main(void)
{
	int ends[2];
	char byte;

	connection(ends);
	timeout(ends[0], SO_RCVTIMEO, 0, 0);
	printf("dontwait=%s", outcome(recv(ends[0], &byte, 1, MSG_DONTWAIT)));
	nonblocking(ends[0]);
	printf(" nonblocking=%s\n", outcome(recv(ends[0], &byte, 1, 0)));
}
