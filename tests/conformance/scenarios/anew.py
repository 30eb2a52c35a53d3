"""Sockets that connect or listen again: what their former connections and listeners still do, and what is remembered."""
import select
import socket

from harness import scenario, const


def ready(t, label, sock):
    t.step(label, lambda: select.select([sock], [sock], [], 0.05)[:2])


def twice(t, how):
    """A client in timeout mode whose connection is followed by a connect (to 'refused' or a listener) or a listen."""
    c, a, l = t.pair()
    c.settimeout(0.2)
    if how == 'listen':
        t.step('listen', c.listen, 5)
    else:
        t.step('connect again', c.connect, t.peer('refused') if how == 'refused' else l.getsockname()[:2])
    t.sleep()
    return c, a, l


for _how in ('listen', 'refused', 'connect'):
    @scenario('anew/%s-then-former-data' % _how)
    def former_data(t, how=_how):
        c, a, l = twice(t, how)
        ready(t, 'select', c)
        t.step('former peer sends', a.send, b'hello')
        t.sleep()
        ready(t, 'select data', c)
        t.step('recv part', c.recv, 3)
        t.step('recv rest', c.recv, 10)
        t.step('recv nothing', c.recv, 10)
        t.step('former peer closes', a.close)
        t.sleep()
        ready(t, 'select end', c)
        t.step('recv end', c.recv, 10)
        ready(t, 'select after', c)
        c.setblocking(0)
        t.step('recv after', c.recv, 10)

    @scenario('anew/%s-forgets-data' % _how)
    def forgets(t, how=_how):
        c, a, l = t.pair()
        c.settimeout(0.2)
        t.setup(a.send, b'old')
        t.sleep()
        if how == 'listen':
            t.step('listen', c.listen, 5)
        else:
            t.step('connect again', c.connect, t.peer('refused') if how == 'refused' else l.getsockname()[:2])
        t.step('recv', c.recv, 10)

    @scenario('anew/%s-after-shutdown' % _how)
    def after_shutdown(t, how=_how):
        c, a, l = t.pair()
        c.settimeout(0.2)
        t.setup(c.shutdown, 2)
        if how == 'listen':
            t.step('listen', c.listen, 5)
        else:
            t.step('connect again', c.connect, t.peer('refused') if how == 'refused' else l.getsockname()[:2])
        t.setup(a.send, b'late')
        t.sleep()
        t.step('send', c.send, b'x')
        t.step('recv', c.recv, 10)
        c.setblocking(0)
        t.step('send non-blocking', c.send, b'x')


@scenario('anew/end-read-then-connect')
def end_read(t):
    c, a, l = t.pair()
    c.settimeout(0.2)
    t.setup(a.close)
    t.step('recv end', c.recv, 10)
    t.step('connect again', c.connect, l.getsockname()[:2])
    b = t.accepted(l, 'b')
    t.setup(b.send, b'new')
    t.sleep()
    ready(t, 'select', c)
    c.setblocking(0)
    t.step('recv', c.recv, 10)
    t.step('recv again', c.recv, 10)


@scenario('anew/end-read-then-listen')
def end_then_listen(t):
    c, a, l = t.pair()
    c.settimeout(0.2)
    t.setup(a.close)
    t.step('recv end', c.recv, 10)
    t.step('listen', c.listen, 5)
    t.step('recv', c.recv, 10)
    c.setblocking(0)
    t.step('recv non-blocking', c.recv, 10)


@scenario('anew/closed-then-refused')
def closed_refused(t):
    c, a, l = t.pair()
    c.settimeout(0.2)
    t.setup(a.close)
    t.sleep()
    t.step('connect refused', c.connect, t.peer('refused'))
    ready(t, 'select', c)
    t.step('recv', c.recv, 10)


@scenario('anew/closed-then-listen')
def closed_listen(t):
    """On the port that the closed connection had."""
    l = t.listener()
    c = t.tcp('c')
    t.setup(c.bind, ('127.0.0.1', t.port('mine')))
    t.setup(c.connect, l.getsockname()[:2])
    a = t.accepted(l)
    c.settimeout(0.2)
    t.setup(a.send, b'rest')
    t.setup(a.close)
    t.sleep()
    t.step('listen', c.listen, 5)
    t.step('getsockname', c.getsockname)
    t.step('recv', c.recv, 10)
    t.step('recv end', c.recv, 10)
    d = t.tcp('d')
    t.step('connect', d.connect, c.getsockname()[:2])
    t.accept_step('accept', c)


@scenario('anew/listen-twice')
def listen_twice(t):
    l = t.listener()
    l.settimeout(0.2)
    c, d = t.tcp('c'), t.tcp('d')
    first = l.getsockname()[:2]
    t.setup(c.connect, first)
    t.sleep()
    t.step('listen again', l.listen, 5)
    t.step('accept', l.accept)
    t.step('connect to the first', d.connect, first)
    t.sleep()
    t.accept_step('accept of the first', l)


@scenario('anew/listen-twice-busy')
def listen_busy(t):
    l = t.tcp('l')
    mine = ('127.0.0.1', t.port('mine'))
    t.setup(l.bind, mine)
    t.setup(l.listen, 5)
    c, d = t.tcp('c'), t.tcp('d')
    t.setup(c.connect, mine)
    t.sleep()
    l.settimeout(0.2)
    t.step('listen again', l.listen, 5)
    ready(t, 'select', l)
    t.step('accept', l.accept)
    t.step('connect', d.connect, mine)
    t.sleep()
    t.accept_step('accept', l, 'b')
    t.step('getsockname', l.getsockname)


for _timeout in (0.2, 0.0):
    @scenario('anew/client-listens-busy%s' % ('' if _timeout else '-nonblocking'))
    def client_listens_busy(t, timeout=_timeout):
        """A listener, then a client, whose listen is refused: the connections of its first queue are lost."""
        l, m = t.tcp('l'), t.listener('m')
        t.setup(l.listen, 5)
        c = t.tcp('c')
        t.setup(c.connect, ('127.0.0.1', l.getsockname()[1]))
        t.setup(l.connect, m.getsockname()[:2])
        t.sleep()
        t.setup(l.bind, m.getsockname()[:2])
        l.settimeout(timeout)
        t.step('listen', l.listen, 5)
        ready(t, 'select', l)
        t.step('accept', l.accept)
        t.step('send', l.send, b'x')
        t.step('recv', l.recv, 10)


@scenario('anew/listener-connects-from-its-port')
def listener_connects_busy(t):
    """Refused its own port, it stays a listener that is asked for data."""
    l, m = t.tcp('l'), t.listener('m')
    mine = ('127.0.0.1', t.port('mine'))
    t.setup(l.bind, mine)
    t.setup(l.listen, 5)
    c = t.tcp('c')
    t.setup(c.connect, mine)
    t.sleep()
    l.settimeout(0.2)
    try:
        l.connect(m.getsockname()[:2])
    except Exception:
        pass
    except:                                       # noqa: E722  a Java exception
        pass
    ready(t, 'select', l)
    t.step('acceptconn', lambda: l.getsockopt(const('SOL_SOCKET'), const('SO_ACCEPTCONN')))
    t.step('recv', l.recv, 10)
    t.accept_step('accept', l)


@scenario('anew/udp-datagrams-forgotten')
def udp_forgotten(t):
    u, other = t.udp(), t.udp('other')
    u.settimeout(0.2)
    t.setup(u.bind, ('127.0.0.1', 0))
    t.setup(other.sendto, b'early', u.getsockname()[:2])
    t.sleep()
    t.setup(u.listen, 5)
    t.setup(u.bind, t.peer('busy'))
    t.step('connect', u.connect, t.peer('sink'))
    t.step('recv', u.recv, 10)


@scenario('anew/listener-connects')
def listener_connects(t):
    l, m = t.listener('l'), t.listener('m')
    l.settimeout(0.2)
    c = t.tcp('c')
    t.setup(c.connect, l.getsockname()[:2])
    t.sleep()
    t.step('connect', l.connect, m.getsockname()[:2])
    a = t.accept_step('accept', l)
    t.step('send', l.send, b'hi')
    b = t.accepted(m, 'b')
    b.settimeout(0.2)
    t.step('recv', b.recv, 10)
    t.step('send back', b.send, b'yo')
    t.step('recv back', l.recv, 10)
    t.step('peer of the accepted', lambda: (a.send(b'a'), c.settimeout(0.2), c.recv(10))[2])


def unused(t):
    """An accepted socket in timeout mode that has not been used."""
    l = t.listener()
    c = t.tcp('c')
    t.setup(c.connect, l.getsockname()[:2])
    l.settimeout(1)
    a = t.own(l.accept()[0], 'a')
    a.settimeout(0.2)
    return a


@scenario('anew/accepted-unused-refused')
def accepted_refused(t):
    a = unused(t)
    t.step('connect refused', a.connect, t.peer('refused'))
    t.step('recv', a.recv, 10)
    t.step('send', a.send, b'x')


@scenario('anew/accepted-peer-gone')
def peer_gone(t):
    """Reset by its peer, an accepted socket still knows whose it was."""
    c, a, l = t.pair()
    t.setup(c.close)
    t.sleep()
    for _ in range(2):
        try:
            a.send(b'x')
        except socket.error:
            pass
        t.sleep()
    t.step('getpeername', lambda: a.getpeername()[0])


for _how in ('refused', 'refused-unseen', 'ended'):
    @scenario('anew/port-of-%s-client' % _how)
    def port_again(t, how=_how):
        """A channel that has closed leaves its port to others, though its socket is still there."""
        l = t.listener()
        c, d, s = t.tcp('c'), t.tcp('d'), t.tcp('s')
        mine = ('127.0.0.1', t.port('mine'))
        t.setup(c.bind, mine)
        c.settimeout(0.0 if how == 'refused-unseen' else 0.5)
        t.step('connect', c.connect, l.getsockname()[:2] if how == 'ended' else t.peer('refused'))
        if how == 'ended':
            a = t.accepted(l)
            t.setup(a.send, b'last words')
            t.setup(a.close)
        t.sleep()
        t.setup(s.bind, mine)
        t.step('listener on the port', s.listen, 5)
        t.setup(s.close)
        t.sleep()
        t.setup(d.bind, mine)
        t.step('client on the port', d.connect, t.peer('echo'))
        t.step('its name', d.getsockname)
        t.step('old name', c.getsockname)
        c.setblocking(0)
        t.step('old recv', c.recv, 20)


@scenario('anew/reset-while-connecting')
def reset_connecting(t):
    """Nobody has looked whether the connection was made before it was reset."""
    l = t.listener()
    c = t.tcp('c')
    c.setblocking(0)
    t.setup(c.connect, l.getsockname()[:2])
    t.sleep()
    t.setup(l.close)
    t.sleep()
    t.step('connect_ex', c.connect_ex, t.peer('echo'))
    ready(t, 'select', c)
    t.step('recv', c.recv, 10)
    t.step('recv again', c.recv, 10)


@scenario('anew/recvfrom-of-a-stream')
def recvfrom_stream(t):
    c, a, l = t.pair()
    c.settimeout(0.2)
    t.setup(a.send, b'data')
    t.step('part', c.recvfrom, 2)
    t.step('rest', c.recvfrom, 10)
    t.setup(a.close)
    t.step('end', c.recvfrom, 10)
    t.step('after the end', c.recvfrom, 10)
    d = t.tcp('d')
    d.settimeout(0.2)
    t.setup(d.connect, l.getsockname()[:2])
    b = t.accepted(l, 'b')
    t.setup(d.listen, 5)
    t.setup(b.send, b'late')
    t.sleep()
    t.step('of a listener', d.recvfrom, 2)
    t.step('recv of a listener', d.recv, 10)


@scenario('anew/accepted-unused-listens')
def accepted_listens(t):
    """Its first use is what its thread waits for, whatever it has become by then."""
    a = unused(t)
    t.step('listen', a.listen, 5)
    t.step('connect refused', a.connect, t.peer('refused'))
    t.step('recv', a.recv, 10)
    t.step('recv again', a.recv, 10)


@scenario('anew/listen-0')
def listen_0(t):
    s = t.tcp()
    t.step('listen', s.listen, 0)
    t.step('acceptconn', lambda: s.getsockopt(const('SOL_SOCKET'), const('SO_ACCEPTCONN')))
    ready(t, 'select', s)
    t.step('connect', s.connect, t.peer('echo'))
    t.step('acceptconn again', lambda: s.getsockopt(const('SOL_SOCKET'), const('SO_ACCEPTCONN')))
    t.step('send', s.send, b'x')
    s.settimeout(0.5)
    t.step('recv', s.recv, 10)


@scenario('anew/udp-listens')
def udp_listens(t):
    u = t.udp()
    t.step('listen', u.listen, 5)
    for level, option in (('SOL_SOCKET', 'SO_TYPE'), ('SOL_SOCKET', 'SO_ACCEPTCONN'), ('SOL_SOCKET', 'SO_KEEPALIVE'),
                          ('SOL_SOCKET', 'SO_BROADCAST'), ('IPPROTO_TCP', 'TCP_NODELAY')):
        t.step('get ' + option, lambda level=level, option=option: u.getsockopt(const(level), const(option)))
    u.settimeout(0.2)
    t.step('recv', u.recv, 10)


@scenario('anew/udp-listener-accepts')
def udp_accepts(t):
    """Its child takes itself for a UDP socket of TCP, which has no addresses."""
    u = t.udp()
    t.setup(u.bind, ('127.0.0.1', 0))
    t.step('listen', u.listen, 5)
    c = t.tcp('c')
    c.settimeout(0.2)
    t.setup(c.connect, u.getsockname()[:2])
    a = t.accept_step('accept', u)
    t.step('bind', a.bind, ('127.0.0.1', 0))
    t.step('connect', a.connect, t.peer('echo'))
    t.step('sendto', a.sendto, b'x', t.peer('echo'))
    t.step('send', a.send, b'hello')
    t.step('recv', c.recv, 10)
    u.settimeout(0.2)
    t.step('connect refused', u.connect, t.peer('refused'))
    t.step('set SO_BROADCAST', u.setsockopt, const('SOL_SOCKET'), const('SO_BROADCAST'), 1)
    t.step('set SO_RCVBUF', u.setsockopt, const('SOL_SOCKET'), const('SO_RCVBUF'), 4096)


@scenario('anew/udp-listens-with-data')
def udp_with_data(t):
    """Its datagrams still come, to what is a stream now and can make nothing of them."""
    u, other = t.udp(), t.udp('other')
    u.settimeout(0.2)
    t.setup(u.bind, ('127.0.0.1', 0))
    t.setup(other.sendto, b'early', u.getsockname()[:2])
    t.sleep()
    t.step('listen', u.listen, 5)
    ready(t, 'select', u)
    t.timed('recv', u.recv, 10)
    t.timed('sendto', u.sendto, b'x', other.getsockname()[:2])


for _timeout in (0.2, 0.0):
    @scenario('anew/udp-listens-busy%s' % ('' if _timeout else '-nonblocking'))
    def udp_busy(t, timeout=_timeout):
        u, l = t.udp(), t.listener()
        t.setup(u.bind, ('127.0.0.1', l.getsockname()[1]))
        u.settimeout(timeout)
        t.step('listen', u.listen, 5)
        t.step('acceptconn', lambda: u.getsockopt(const('SOL_SOCKET'), const('SO_ACCEPTCONN')))
        ready(t, 'select', u)
        t.step('accept', u.accept)
        t.step('send', u.send, b'x')
        t.step('recv', u.recv, 10)


@scenario('anew/listen-0-after-listen')
def listen_0_again(t):
    """It asks its connections for what is there, though it is a client."""
    s, l = t.listener('s'), t.listener()
    c = t.tcp('c')
    t.setup(c.connect, s.getsockname()[:2])
    t.sleep()
    s.settimeout(0.2)
    t.setup(s.connect, l.getsockname()[:2])
    t.step('listen', s.listen, 0)
    t.step('acceptconn', lambda: s.getsockopt(const('SOL_SOCKET'), const('SO_ACCEPTCONN')))
    ready(t, 'select', s)
    t.accept_step('accept', s)
    ready(t, 'select nothing', s)


@scenario('anew/udp-listen-0')
def udp_listen_0(t):
    """Jython takes it for a server's, in vain, and sends its datagrams as a stream's."""
    u, other = t.udp(), t.udp('other')
    u.settimeout(0.0)
    t.setup(u.bind, ('127.0.0.1', 0))
    t.setup(other.bind, ('127.0.0.1', 0))
    t.step('listen', u.listen, 0)
    t.step('send', u.send, b'x')
    u.settimeout(0.2)
    t.step('send and wait', u.send, b'x')
    t.step('sendto', u.sendto, b'x', other.getsockname()[:2])
    t.setup(u.shutdown, 2)
    t.step('send shut down', u.send, b'x')
    t.step('connect_ex', u.connect_ex, t.peer('echo'))
    t.step('select', lambda: select.select([u], [], [], 0.05)[:2])


@scenario('anew/udp-listen-0-unbound')
def udp_listen_0_unbound(t):
    u = t.udp()
    u.settimeout(0.2)
    t.step('listen', u.listen, 0)
    t.step('bind', u.bind, ('127.0.0.1', t.port('mine')))
    t.step('send', u.send, b'x')
    t.step('sendto', u.sendto, b'x', t.peer('echo'))
    t.step('recv', u.recv, 10)
    t.step('getsockname', u.getsockname)


@scenario('anew/udp-closed-with-data')
def udp_closed(t):
    u = t.udp()
    u.settimeout(0.2)
    t.setup(u.bind, ('127.0.0.1', 0))
    mine = u.getsockname()[:2]
    t.setup(u.sendto, b'one', mine)
    t.sleep()
    t.setup(u.connect, mine)
    t.step('connect again', u.connect, mine)
    ready(t, 'select', u)
    t.step('recv', u.recv, 10)
    t.step('recv nothing', u.recv, 10)
    t.step('send', u.send, b'x')


@scenario('anew/last-error')
def last_error(t):
    """SO_ERROR tells the last error of some calls only."""
    def error(label):
        t.step('after ' + label, lambda: s.getsockopt(const('SOL_SOCKET'), const('SO_ERROR')))
    s = t.tcp()
    s.settimeout(0.05)
    for label, call in (('send', lambda: s.send(b'x')), ('recv', lambda: s.recv(1)), ('shutdown', lambda: s.shutdown(2)),
                        ('connect', lambda: s.connect(t.peer('refused'))), ('recv refused', lambda: s.recv(1)),
                        ('send refused', lambda: s.send(b'x')), ('listen', lambda: s.listen(5)),
                        ('accept', s.accept), ('recv listening', lambda: s.recv(1))):
        t.step(label, call)
        error(label)
