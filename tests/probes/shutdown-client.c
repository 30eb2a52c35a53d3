/* shutdown of a client's sending side: its peer sees the end. */
#include "probe.h"

int main(void)
{
	int ends[2];
	char byte;

	connection(ends);
	need(send(ends[0], "x", 1, 0) == 1, "send");
	printf("shutdown=%s", outcome(shutdown(ends[0], SHUT_WR)));
	printf(" peer reads %s", outcome(read(ends[1], &byte, 1)));
	printf(" %s\n", outcome(read(ends[1], &byte, 1)));
}
