"""Random sequences of socket calls, as lines for fuzz_runtime.py; the seed alone decides them.

Left out because two runs of one implementation differ: two unread sends in one TCP stream (where a read then ends is
chance), select on closed sockets (CPython refuses their descriptor itself), reads that nothing but the watchdog ends,
sendall on non-blocking sockets (Jython goes round for ever when nothing can be sent).
"""
import random

V4, V6 = '127.0.0.1', '::1'
OPTIONS = (('SOL_SOCKET', 'SO_REUSEADDR', (0, 1)), ('SOL_SOCKET', 'SO_KEEPALIVE', (0, 1)),
           ('SOL_SOCKET', 'SO_RCVBUF', (4096, 20000, 65536)), ('SOL_SOCKET', 'SO_SNDBUF', (4096, 20000)),
           ('SOL_SOCKET', 'SO_BROADCAST', (0, 1)), ('IPPROTO_TCP', 'TCP_NODELAY', (0, 1)),
           ('SOL_SOCKET', 'SO_OOBINLINE', (0, 1)), ('SOL_SOCKET', 'SO_REUSEPORT', (1,)),
           ('SOL_SOCKET', 'SO_DEBUG', (0,)))
READABLE = OPTIONS + (('SOL_SOCKET', 'SO_ERROR', ()), ('SOL_SOCKET', 'SO_TYPE', ()), ('SOL_SOCKET', 'SO_ACCEPTCONN', ()))
# A timeout long enough for a busy machine, and non-blocking; None is blocking.
TIMEOUTS = ('0.15', '0.15', '0.0', '0.0', 'None')

TCP_CALLS = (('bind', 7), ('listen', 5), ('accept', 8), ('connect', 9), ('connect_ex', 6), ('send', 12), ('sendall', 3),
             ('sendto', 1), ('recv', 12), ('recvfrom', 2), ('shutdown', 6), ('setsockopt', 5), ('getsockopt', 6),
             ('getsockname', 7), ('getpeername', 6), ('select', 6), ('poll', 4), ('settimeout', 4), ('close', 3))
UDP_CALLS = (('bind', 7), ('listen', 1), ('accept', 1), ('connect', 7), ('connect_ex', 3), ('send', 8), ('sendall', 1),
             ('sendto', 12), ('recv', 8), ('recvfrom', 9), ('shutdown', 6), ('setsockopt', 4), ('getsockopt', 4),
             ('getsockname', 7), ('getpeername', 6), ('select', 5), ('poll', 3), ('settimeout', 4), ('close', 3))


class Generator(object):

    def __init__(self, seed, number):
        self.random = random.Random('%s/%s' % (seed, number))
        self.lines = []
        self.udp, self.v6, self.mode, self.closed = {}, {}, {}, set()
        self.listening, self.talking = [], []      # those that may be; calls prefer them where they can succeed
        self.unread = {}             # socket -> those that have read nothing since it sent

    # -- small choices

    def pick(self, *choices):
        return self.random.choice(choices)

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def weighted(self, table):
        return self.random.choices([name for name, _ in table], [weight for _, weight in table])[0]

    def host(self, sock):
        return V6 if self.v6[sock] else V4

    def free_name(self):
        return 'abcdefgh'[len(self.udp)]

    def add(self, line):
        self.lines.append(line)

    # -- sockets

    def create(self, udp, v6):
        sock = self.free_name()
        self.udp[sock], self.v6[sock], self.mode[sock] = udp, v6, 'None'
        self.add('%s = socket.socket(socket.%s, socket.%s)' % (
            sock, 'AF_INET6' if v6 else 'AF_INET', 'SOCK_DGRAM' if udp else 'SOCK_STREAM'))
        return sock

    def local(self, sock):
        port = self.pick('0', '0', '0', 'P0', 'P0', 'P1')
        host = self.host(sock) if self.chance(85) else ''
        return "('%s', %s)" % (host, port)

    def target(self, sock):
        others = [other for other in self.udp if other != sock and self.udp[other] == self.udp[sock]
                  and self.v6[other] == self.v6[sock]] or [sock]
        if self.chance(70):
            other = self.pick(*others)
            return 'near(%s%s)' % (other, ", '::1'" if self.v6[sock] else '')
        return "('%s', %s)" % (self.host(sock), self.pick('P0', 'P1', 'DEAD'))

    def settimeout(self, sock):
        self.mode[sock] = self.pick(*TIMEOUTS)
        self.add('%s.settimeout(%s)' % (sock, self.mode[sock]))

    # -- calls; each adds its line, or none where it would be a matter of chance

    def call(self, sock):
        name = self.weighted(UDP_CALLS if self.udp[sock] else TCP_CALLS)
        likely = self.listening if name == 'accept' else self.talking if name in ('send', 'recv', 'shutdown') else ()
        if likely and not self.udp[sock] and self.chance(70):
            sock = self.pick(*likely)
        if sock in self.closed and name in ('select', 'poll', 'accept'):
            return
        getattr(self, 'call_' + name)(sock)

    def call_bind(self, sock):
        self.add('%s.bind(%s)' % (sock, self.local(sock)))

    def call_listen(self, sock):
        self.listening.append(sock)
        self.add('%s.listen(%s)' % (sock, self.pick(1, 5, 5, 5, 5) if self.chance(95) else 0))

    def call_accept(self, sock):
        if (self.mode[sock] == 'None' and not self.chance(30)) or len(self.udp) >= 6:
            return
        name, timeout = self.free_name(), self.pick('0.15', '0.0', '0.15')
        self.udp[name], self.v6[name], self.mode[name] = self.udp[sock], self.v6[sock], timeout
        self.talking.append(name)
        self.add('%s = accepted(%s, %s)' % (name, sock, timeout))

    def call_connect(self, sock):
        self.talking.append(sock)
        self.add('%s.connect(%s)' % (sock, self.target(sock)))

    def call_connect_ex(self, sock):
        self.add('%s.connect_ex(%s)' % (sock, self.target(sock)))

    def sent(self, sock):
        """True when another send of this socket may follow: every possible reader has read."""
        if self.udp[sock]:
            return True
        if self.unread.get(sock):
            return False
        self.unread[sock] = set(other for other in self.udp if other != sock and not self.udp[other]) or set('?')
        return True

    def data(self):
        return "b'%s'" % self.pick('x', 'hello', 'abcdefgh')

    def call_send(self, sock):
        if self.sent(sock):
            self.add('%s.send(%s)' % (sock, self.data() if self.chance(94) else "b'z' * 100000"))
            self.answer(sock)

    def call_sendall(self, sock):
        if self.mode[sock] != '0.0' and self.sent(sock):
            self.add('%s.sendall(%s)' % (sock, self.data()))

    def call_sendto(self, sock):
        if self.sent(sock):
            target = self.target(sock)
            self.add('%s.sendto(%s, %s)' % (sock, self.data(), target))
            self.answer(sock, target)

    def answer(self, sock, target=''):
        """Often somebody reads what was sent: the one it was sent to, or another that is connected."""
        others = [other for other in self.talking if other != sock and not self.udp[sock]] or [
            other for other in self.udp if 'near(%s' % other in target]
        if others and self.chance(60):
            other = self.pick(*others)
            self.call_recvfrom(other) if self.udp[other] and self.chance(60) else self.call_recv(other)

    def may_wait(self, sock):
        return self.mode[sock] != 'None' or self.chance(15)

    def call_recv(self, sock):
        if self.may_wait(sock):
            size = self.pick(100, 100, 3)
            self.add('%s.recv(%d)' % (sock, size))
            for waiting in self.unread.values() if size == 100 else ():
                waiting.discard(sock)

    def call_recvfrom(self, sock):
        if self.may_wait(sock):
            self.add('%s.recvfrom(%d)' % (sock, self.pick(100, 100, 3)))

    def call_shutdown(self, sock):
        self.add('%s.shutdown(%d)' % (sock, self.pick(0, 1, 2, 2)))

    def call_setsockopt(self, sock):
        level, option, values = self.random.choice(OPTIONS)
        self.add('%s.setsockopt(socket.%s, socket.%s, %d)' % (sock, level, option, self.random.choice(values)))

    def call_getsockopt(self, sock):
        level, option, _ = self.random.choice(READABLE)
        self.add('%s.getsockopt(socket.%s, socket.%s)' % (sock, level, option))

    def call_getsockname(self, sock):
        self.add('%s.getsockname()' % sock)

    def call_getpeername(self, sock):
        self.add('%s.getpeername()' % sock)

    def some(self, sock):
        others = [other for other in self.udp if other not in self.closed and other != sock and self.chance(50)]
        return ', '.join([sock] + others)

    def call_select(self, sock):
        readers, writers = self.pick((1, 0), (0, 1), (1, 1))
        self.add('ready([%s], [%s], %s)' % (self.some(sock) if readers else '', self.some(sock) if writers else '',
                                            self.pick('0.05', '0')))

    def call_poll(self, sock):
        self.add('polled(%d, %s)' % (self.pick(50, 50, 0), self.some(sock)))

    def call_settimeout(self, sock):
        self.settimeout(sock)

    def call_close(self, sock):
        self.closed.add(sock)
        self.add('%s.close()' % sock)

    # -- whole sequences

    def prelude(self):
        """Part of a conversation, so that the calls after it meet sockets in every state."""
        tcp = [sock for sock in self.udp if not self.udp[sock]]
        udp = [sock for sock in self.udp if self.udp[sock]]
        if tcp and self.chance(65):
            self.add("%s.bind(('%s', 0))" % (tcp[0], self.host(tcp[0])))
            self.add('%s.listen(5)' % tcp[0])
            self.listening.append(tcp[0])
            if len(tcp) > 1 and self.chance(75):
                host = ", '::1'" if self.v6[tcp[0]] else ''
                self.add('%s.connect(near(%s%s))' % (tcp[1], tcp[0], host))
                self.talking.append(tcp[1])
                if self.chance(80):
                    self.chance(50) or self.settimeout(tcp[0])
                    self.call_accept(tcp[0]) if self.mode[tcp[0]] != 'None' else self.accept_known(tcp[0])
        if udp and self.chance(60):
            self.add("%s.bind(('%s', 0))" % (udp[0], self.host(udp[0])))
            if len(udp) > 1 and self.chance(60):
                host = ", '::1'" if self.v6[udp[0]] else ''
                self.add('%s.connect(near(%s%s))' % (udp[1], udp[0], host))

    def accept_known(self, sock):
        """A blocking accept that a connection awaits."""
        self.mode[sock] = '0.15'
        self.call_accept(sock)
        self.mode[sock] = 'None'

    def generate(self):
        kinds = self.weighted((('tcp', 60), ('udp', 25), ('mixed', 15)))
        v6 = self.chance(25)
        for _ in range(self.pick(1, 2, 2, 2, 3, 3)):
            self.create(kinds == 'udp' or (kinds == 'mixed' and self.chance(50)), v6)
        first = self.chance(40)
        for sock in list(self.udp) if first else ():
            self.settimeout(sock)
        if self.chance(75):
            self.prelude()
        for sock in list(self.udp) if not first else ():
            if self.mode[sock] == 'None' and self.chance(85):
                self.settimeout(sock)
        enough = len(self.lines) + self.pick(3, 4, 5, 6, 7, 8)
        while len(self.lines) < enough:
            self.call(self.random.choice(list(self.udp)))
        return self.lines


def sequence(seed, number):
    return Generator(seed, number).generate()
