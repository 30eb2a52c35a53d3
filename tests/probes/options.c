/* options ROLE set|get: which options does a socket of that role take? */
#include "probe.h"

static const struct option {
	const char *name;
	int level, option;
} options[] = {
#define SOCKET(name) { #name, SOL_SOCKET, SO_##name }
	SOCKET(BROADCAST), SOCKET(KEEPALIVE), SOCKET(LINGER), SOCKET(OOBINLINE), SOCKET(RCVBUF), SOCKET(REUSEADDR),
	SOCKET(SNDBUF), SOCKET(RCVTIMEO), SOCKET(SNDTIMEO), SOCKET(REUSEPORT), SOCKET(DONTROUTE), SOCKET(RCVLOWAT),
	SOCKET(PRIORITY), SOCKET(TIMESTAMP), { "NODELAY", IPPROTO_TCP, TCP_NODELAY },
	{ "KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE }, { "CORK", IPPROTO_TCP, TCP_CORK },
	{ "TOS", IPPROTO_IP, IP_TOS }, { "TTL", IPPROTO_IP, IP_TTL },
	{ "UDP_CORK", IPPROTO_UDP, 1 },
};

static int socket_as(const char *role)
{
	int ends[2];

	if (is(role, "client"))
		return connection(ends), ends[0];
	return is(role, "listener") ? listener(8) : is(role, "bound") ? udp_bound() :
	       socket_of(is(role, "datagram") ? SOCK_DGRAM : SOCK_STREAM);
}

int main(int argc, char **argv)
{
	int fd = socket_as(argc > 1 ? argv[1] : ""), value[4] = { 1, 0, 1, 0 }, back[4];

	printf("takes:");
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		socklen_t len = sizeof back;
		const struct option *o = &options[i];

		if ((is(argv[2], "set") ? setsockopt(fd, o->level, o->option, value, sizeof value) :
					  getsockopt(fd, o->level, o->option, back, &len)) == 0)
			printf(" %s", o->name);
		else if (errno != ENOPROTOOPT)
			printf(" %s=%s", o->name, outcome(-1));
	}
	printf("\n");
}
