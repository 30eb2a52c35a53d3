/* No memory for more shadows: sockets are made and work all the same. */
#include "host.h"

#include <sys/resource.h>

int main(void)
{
	struct rlimit none = { 1, RLIM_INFINITY }, files = { 3000, 3000 };
	int first = listener(8), made = 0, served = 0, fd = -1;

	need(setrlimit(RLIMIT_NOFILE, &files) == 0, "raise the limit");
	printf("%s", ""); /* stdio's buffer */
	need(setrlimit(RLIMIT_AS, &none) == 0, "lower the limit");
	for (; made < 2000 && (fd = socket(AF_INET, SOCK_STREAM, 0)) >= 0; made++)
		served += bind_to(fd, loopback(0)) == 0 && listen(fd, 8) == 0;
	printf("made=%d served=%d\n", made, served);
	tell("the first", first);
	tell("the last", fd);
	tell("its duplicate", dup2(fd, 2999));
}
