/* family DOMAIN TYPE PROTOCOL: is the socket made, or refused, as Linux does? */
#include "probe.h"

int main(int argc, char **argv)
{
	int number[3], rc, real, error;

	need(argc > 3, "find the arguments");
	for (int i = 0; i < 3; i++)
		number[i] = is(argv[i + 1], "unix") ? AF_UNIX : is(argv[i + 1], "inet") ? AF_INET :
			    is(argv[i + 1], "stream") ? SOCK_STREAM : is(argv[i + 1], "datagram") ? SOCK_DGRAM :
			    is(argv[i + 1], "raw") ? SOCK_RAW : is(argv[i + 1], "icmp") ? IPPROTO_ICMP : 0;
	real = (int)syscall(SYS_socket, number[0], number[1], number[2]);
	error = errno;
	rc = socket(number[0], number[1], number[2]);
	printf("socket=%s\n", (rc < 0 && real < 0 && errno == error) || (rc >= 0 && real >= 0) ? "as Linux" : outcome(rc));
}
