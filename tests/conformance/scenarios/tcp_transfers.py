"""TCP transfers: echo, flags, the peer closing or resetting, closing, dup, inheritance, IPv6."""
from harness import scenario, const


@scenario('flow/echo')
def echo(t):
    c, a, l = t.pair()
    t.step('send', c.send, b'ping')
    t.sleep()
    t.step('recv', a.recv, 2)
    t.step('recv rest', a.recv, 100)
    t.step('sendall', a.sendall, b'pong')
    t.sleep()
    t.step('recv', c.recv, 100)


@scenario('flow/foreign-echo')
def foreign_echo(t):
    c = t.tcp('c')
    c.settimeout(2)
    t.step('connect', c.connect, t.peer('echo'))
    t.step('sendall', c.sendall, b'ping')
    t.step('recv', c.recv, 100)
    t.step('recvfrom-timeout', lambda: (c.settimeout(0.05), c.recvfrom(10))[1])


@scenario('flow/tcp-recvfrom-address')
def recvfrom_address(t):
    c, a, l = t.pair()
    t.setup(a.send, b'data')
    t.sleep()
    t.step('recvfrom', c.recvfrom, 10)


@scenario('flow/tcp-sendto-connected')
def sendto_connected(t):
    c, a, l = t.pair()
    t.step('sendto', lambda: c.sendto(b'data', t.peer('sink')))
    a.settimeout(0.1)
    t.step('recv', a.recv, 10)


@scenario('flow/small-send-buffer')
def small_buffer(t):
    """A channel takes 64 KiB whatever the kernel's buffer is."""
    c, a, l = t.pair()
    t.step('set', c.setsockopt, const('SOL_SOCKET'), const('SO_SNDBUF'), 4096)
    c.settimeout(0.5)
    t.step('send', c.send, b'x' * 100000)
    t.step('get', c.getsockopt, const('SOL_SOCKET'), const('SO_SNDBUF'))


@scenario('flow/recv-flags-peek')
def recv_peek(t):
    c, a, l = t.pair()
    t.setup(a.send, b'data')
    t.sleep()
    t.step('peek', lambda: c.recv(2, const('MSG_PEEK')))
    t.step('recv', c.recv, 10)


@scenario('flow/oob')
def oob(t):
    c, a, l = t.pair()
    t.step('send oob', lambda: c.send(b'x', const('MSG_OOB')))


@scenario('flow/send-empty')
def send_empty(t):
    c, a, l = t.pair()
    t.step('send empty', c.send, b'')
    t.step('sendall empty', c.sendall, b'')
    a.settimeout(0.05)
    t.step('peer recv', a.recv, 10)


@scenario('flow/big-send-blocking')
def big_send(t):
    c, a, l = t.pair()
    t.step('send 1000', c.send, b'x' * 1000)
    t.sleep()
    t.step('recv', a.recv, 2000)


for _mode in ('n', 't'):
    def _make_fill(mode):
        @scenario('flow/fill-send-buffer.%s' % mode)
        def fill(t):
            c, a, l = t.pair()
            if mode == 'n':
                c.setblocking(0)
            else:
                c.settimeout(0.05)

            def flood():
                for _ in range(4000):
                    c.send(b'x' * 65536)
            t.step('flood', flood)
    if _mode == 'n':      # in timeout mode 2.5.3 blocks for ever: java.net write
        _make_fill(_mode)


# --- remote closes ---------------------------------------------------------

for _mode, _set in (('b', lambda s: None), ('t', lambda s: s.settimeout(0.2)),
                    ('n', lambda s: s.setblocking(0))):
    def _make_remote(mode, set_mode):
        @scenario('flow/remote-close-then-send.%s' % mode)
        def remote_close(t):
            c, a, l = t.pair()
            set_mode(c)
            t.step('peer close', a.close)
            t.sleep()
            t.step('send 1', c.send, b'x')
            t.sleep()
            t.step('send 2', c.send, b'x')
            t.sleep()
            t.step('send 3', c.send, b'x')
            t.step('recv', c.recv, 10)
            t.step('getpeername', c.getpeername)

        @scenario('flow/remote-close-then-recv.%s' % mode)
        def remote_close_recv(t):
            c, a, l = t.pair()
            set_mode(c)
            t.setup(a.send, b'bye')
            t.step('peer close', a.close)
            t.sleep()
            t.step('recv data', c.recv, 10)
            t.step('recv eof', c.recv, 10)
            t.step('recv eof again', c.recv, 10)
            t.step('getpeername', c.getpeername)

        @scenario('flow/foreign-eof-then-send.%s' % mode)
        def foreign_eof(t):
            c = t.tcp('c')
            t.setup(c.connect, t.peer('eof'))
            set_mode(c)
            t.sleep(0.05)
            t.step('send 1', c.send, b'x')
            t.sleep(0.05)
            t.step('send 2', c.send, b'x')
            t.step('send 3', c.send, b'x')

        @scenario('flow/foreign-rst-recv.%s' % mode)
        def foreign_rst_recv(t):
            c = t.tcp('c')
            t.setup(c.connect, t.peer('rst'))
            set_mode(c)
            t.sleep(0.05)
            t.step('recv 1', c.recv, 10)
            t.step('recv 2', c.recv, 10)
            t.step('send 1', c.send, b'x')
            t.step('send 2', c.send, b'x')

        @scenario('flow/foreign-rst-send.%s' % mode)
        def foreign_rst_send(t):
            c = t.tcp('c')
            t.setup(c.connect, t.peer('rst'))
            set_mode(c)
            t.sleep(0.05)
            t.step('send 1', c.send, b'x')
            t.step('send 2', c.send, b'x')
            t.step('recv', c.recv, 10)

        @scenario('flow/foreign-rst-after-byte.%s' % mode)
        def foreign_rst_after(t):
            c = t.tcp('c')
            t.setup(c.connect, t.peer('rst_after'))
            set_mode(c)
            t.step('send 1', c.send, b'x')
            t.sleep(0.05)
            t.step('recv 1', c.recv, 10)
            t.step('recv 2', c.recv, 10)

        @scenario('flow/foreign-hello-eof.%s' % mode)
        def foreign_hello_eof(t):
            c = t.tcp('c')
            t.setup(c.connect, t.peer('hello_eof'))
            set_mode(c)
            t.sleep(0.05)
            t.step('recv', c.recv, 10)
            t.step('recv eof', c.recv, 10)
            t.step('send after eof', c.send, b'x')
            t.step('recv eof again', c.recv, 10)
    _make_remote(_mode, _set)


# --- close and dup ---------------------------------------------------------
