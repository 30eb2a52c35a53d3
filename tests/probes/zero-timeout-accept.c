/* accept of a listener with a zero timeout. */
#include "probe.h"

int main(void)
{
	int server = listener(8);

	interrupt_soon();
	timeout(server, SO_RCVTIMEO, 0, 0);
	printf("accept=%s\n", outcome(accept(server, NULL, NULL)));
}
