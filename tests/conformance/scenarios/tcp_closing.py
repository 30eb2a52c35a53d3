"""TCP: closing, dup, what accepted sockets inherit, IPv6."""
from harness import scenario, const, linger, show_opt, MISSING
from scenarios.tcp_flows import reuse


@scenario('flow/close-twice')
def close_twice(t):
    c, a, l = t.pair()
    t.step('close', c.close)
    t.step('close again', c.close)
    t.step('send', c.send, b'x')
    t.step('recv', c.recv, 1)
    t.step('getsockname', c.getsockname)
    a.settimeout(1)
    t.step('peer recv', a.recv, 1)


@scenario('flow/close-listener-with-pending')
def close_listener(t):
    l = t.listener()
    c = t.tcp('c')
    t.setup(c.connect, l.getsockname()[:2])
    t.sleep()
    t.step('close listener', l.close)
    c.settimeout(0.3)
    t.sleep()
    t.step('client recv', c.recv, 10)


@scenario('flow/rebind-after-close')
def rebind_after_close(t):
    port = t.port('mine')
    s = t.tcp()
    t.setup(s.bind, ('127.0.0.1', port))
    t.setup(s.listen, 5)
    t.setup(s.close)
    t.sleep()
    s = t.tcp('s2')
    t.step('bind again', s.bind, ('127.0.0.1', port))
    t.step('listen again', s.listen, 5)


@scenario('flow/rebind-after-time-wait')
def rebind_time_wait(t):
    """The server side closes first: its port is in TIME_WAIT."""
    port = t.port('mine')
    s = t.tcp()
    t.setup(s.bind, ('127.0.0.1', port))
    t.setup(s.listen, 5)
    c = t.tcp('c')
    t.setup(c.connect, ('127.0.0.1', port))
    a = t.accepted(s)
    t.setup(a.close)
    t.sleep()
    c.settimeout(1)
    t.setup(c.recv, 1)
    t.setup(c.close)
    t.setup(s.close)
    t.sleep(0.05)
    s = t.tcp('s2')
    t.step('bind again', s.bind, ('127.0.0.1', port))
    t.step('listen again', s.listen, 5)
    s = t.tcp('s3')
    t.step('reuse', reuse, t, s)
    t.step('bind reuse', s.bind, ('127.0.0.1', port))
    t.step('listen reuse', s.listen, 5)


@scenario('flow/dup-connected')
def dup_connected(t):
    c, a, l = t.pair()
    d = t.step('dup', c.dup)
    d = t.own(d, 'd') if d is not None else MISSING
    t.step('close original', c.close)
    t.step('send dup', lambda: d.send(b'x'))
    t.sleep()
    a.settimeout(0.5)
    t.step('peer recv', a.recv, 10)
    t.step('close dup', lambda: d.close())
    t.sleep()
    t.step('peer eof', a.recv, 10)


@scenario('flow/dup-shares-timeout')
def dup_timeout(t):
    s = t.tcp()
    s.settimeout(0.05)
    d = t.own(s.dup(), 'd')
    t.step('gettimeout dup', d.gettimeout)
    t.step('settimeout dup', d.settimeout, 2)
    t.step('gettimeout original', s.gettimeout)


@scenario('flow/dup-fresh-shares-bind')
def dup_fresh(t):
    s = t.tcp()
    d = t.own(s.dup(), 'd')
    t.step('bind original', s.bind, ('127.0.0.1', t.port('mine')))
    t.step('getsockname dup', d.getsockname)
    t.step('listen dup', d.listen, 5)
    t.step('getsockname original', s.getsockname)


@scenario('flow/dup-shares-pending-option')
def dup_option(t):
    s = t.tcp()
    t.step('set keepalive', lambda: s.setsockopt(const('SOL_SOCKET'), const('SO_KEEPALIVE'), 1))
    d = t.own(s.dup(), 'd')
    t.step('get keepalive dup', lambda: d.getsockopt(const('SOL_SOCKET'), const('SO_KEEPALIVE')))


# --- accept inheritance ----------------------------------------------------

@scenario('flow/accept-inherits-timeout')
def inherit_timeout(t):
    l = t.listener()
    c = t.tcp('c')
    t.setup(c.connect, l.getsockname()[:2])
    t.sleep()
    l.settimeout(0.5)
    a = t.accept_step('accept', l)
    t.step('gettimeout', lambda: a.gettimeout())


@scenario('flow/accept-inherits-nonblocking')
def inherit_nonblocking(t):
    l = t.listener()
    c = t.tcp('c')
    t.setup(c.connect, l.getsockname()[:2])
    t.sleep()
    l.setblocking(0)
    a = t.accept_step('accept', l)
    t.step('gettimeout', lambda: a.gettimeout())


for _opt, _level, _value in (('SO_RCVBUF', 'SOL_SOCKET', 30000), ('SO_REUSEADDR', 'SOL_SOCKET', 1),
                             ('SO_KEEPALIVE', 'SOL_SOCKET', 1), ('TCP_NODELAY', 'IPPROTO_TCP', 1),
                             ('SO_LINGER', 'SOL_SOCKET', linger(1, 3)),
                             ('SO_OOBINLINE', 'SOL_SOCKET', 1), ('SO_SNDBUF', 'SOL_SOCKET', 30000)):
    def _make_inherit(opt, level, value):
        @scenario('flow/accept-inherits-%s' % opt)
        def inherit_option(t):
            l = t.listener()
            t.step('set on listener',
                   lambda: l.setsockopt(const(level), const(opt), value))
            c = t.tcp('c')
            t.setup(c.connect, l.getsockname()[:2])
            a = t.accepted(l)
            t.step('get on accepted',
                   lambda: (a.getsockopt(const(level), const(opt), 8) if opt == 'SO_LINGER'
                            and not hasattr(a, 'getchannel')
                            else a.getsockopt(const(level), const(opt))),
                   show=show_opt(opt, value))
    _make_inherit(_opt, _level, _value)


# --- backlog ---------------------------------------------------------------

for _backlog in (-1, 0, 1, 2):
    def _make_backlog(backlog):
        @scenario('flow/backlog%d-connects' % backlog)
        def backlog_connects(t):
            s = t.tcp()
            s.bind(('127.0.0.1', 0))
            t.step('listen', s.listen, backlog)
            clients = [t.tcp('c%d' % i) for i in range(3)]

            def connect(c):
                c.settimeout(0.15)
                c.connect(s.getsockname()[:2])
            for i, c in enumerate(clients):
                t.step('connect %d' % i, connect, c)
    _make_backlog(_backlog)


# --- IPv6 ------------------------------------------------------------------

@scenario('ip6/server-names')
def ip6_server(t):
    s = t.tcp('s', 'AF_INET6')
    t.step('getsockname fresh', s.getsockname)
    t.step('bind', s.bind, ('::1', 0))
    t.step('getsockname bound', s.getsockname)
    t.step('listen', s.listen, 5)
    t.step('getsockname listening', s.getsockname)
    t.step('tuple length', lambda: len(s.getsockname()))
    c = t.tcp('c', 'AF_INET6')
    t.step('connect', lambda: c.connect(('::1', s.getsockname()[1])))
    t.step('getpeername', c.getpeername, show=lambda v: t.norm(v[0]))


@scenario('ip6/client-names')
def ip6_client(t):
    s = t.tcp('s', 'AF_INET6')
    t.step('connect', s.connect, t.peer('sink6', '::1'))
    t.step('getsockname', s.getsockname)
    t.step('getpeername', s.getpeername)


@scenario('ip6/bind-any')
def ip6_any(t):
    s = t.tcp('s', 'AF_INET6')
    t.step('bind', s.bind, ('', 0))
    t.step('getsockname bound', s.getsockname)
    t.step('listen', s.listen, 5)
    t.step('getsockname listening', s.getsockname)
    c = t.tcp('c')
    t.step('connect from IPv4', lambda: c.connect(('127.0.0.1', s.getsockname()[1])))


@scenario('ip6/refused')
def ip6_refused(t):
    s = t.tcp('s', 'AF_INET6')
    t.step('connect', s.connect, t.peer('refused6', '::1'))


@scenario('ip6/busy')
def ip6_busy(t):
    s = t.tcp('s', 'AF_INET6')
    t.step('bind', s.bind, t.peer('busy6', '::1'))
    t.step('listen', s.listen, 5)


@scenario('ip6/v4-address-on-v6-socket')
def ip6_v4(t):
    s = t.tcp('s', 'AF_INET6')
    t.step('bind 127.0.0.1', s.bind, ('127.0.0.1', 0))
    t.step('connect 127.0.0.1', s.connect, t.peer('sink'))


@scenario('ip6/v6-address-on-v4-socket')
def ip4_v6(t):
    s = t.tcp('s')
    t.step('connect ::1', s.connect, t.peer('sink6', '::1'))


@scenario('ip6/v4-mapped')
def ip6_mapped(t):
    s = t.tcp('s', 'AF_INET6')
    t.step('connect', s.connect, t.peer('sink', '::ffff:127.0.0.1'))
    t.step('getpeername', s.getpeername)


@scenario('ip6/udp')
def ip6_udp(t):
    u = t.udp('u', 'AF_INET6')
    t.step('bind', u.bind, ('::1', 0))
    t.step('getsockname', u.getsockname)
    v = t.udp('v', 'AF_INET6')
    t.step('sendto', lambda: v.sendto(b'hi', ('::1', u.getsockname()[1])))
    t.sleep()
    t.step('recvfrom', u.recvfrom, 10)


@scenario('ip6/shutdown-listening')
def ip6_shutdown(t):
    s = t.listener('l', host='::1', family='AF_INET6')
    t.step('shutdown', s.shutdown, 2)
    c = t.tcp('c', 'AF_INET6')
    t.step('connect', lambda: c.connect(('::1', s.getsockname()[1])))
