/* flags peek|dontwait|more|nosignal: transfers that Java has no words for. */
#include "probe.h"

int main(int argc, char **argv)
{
	const char *flag = argc > 1 ? argv[1] : "";
	int ends[2];
	char byte;

	connection(ends);
	need(send(ends[1], "x", 1, 0) == 1, "send");
	if (is(flag, "more") || is(flag, "nosignal"))
		printf("%s=%s\n", flag, outcome(send(ends[0], "x", 1, is(flag, "more") ? MSG_MORE : MSG_NOSIGNAL)));
	else
		printf("%s=%s\n", flag, outcome(recv(ends[0], &byte, 1, is(flag, "peek") ? MSG_PEEK : MSG_DONTWAIT)));
}
