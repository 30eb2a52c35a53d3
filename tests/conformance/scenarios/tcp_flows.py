"""Longer TCP sequences: names, deferred bind, listening and connecting again."""
from harness import scenario, const, MISSING


def reuse(t, s, value=1):
    return s.setsockopt(const('SOL_SOCKET'), const('SO_REUSEADDR'), value)


@scenario('flow/bind0-names')
def bind0_names(t):
    s = t.tcp()
    t.step('getsockname fresh', s.getsockname)
    t.step('bind 0', s.bind, ('127.0.0.1', 0))
    t.step('getsockname bound', s.getsockname)
    t.step('listen', s.listen, 5)
    t.step('getsockname listening', s.getsockname)
    t.step('getpeername listening', s.getpeername)


@scenario('flow/bind0-localhost-names')
def bind0_localhost(t):
    s = t.tcp()
    t.step('bind localhost', s.bind, ('localhost', 0))
    t.step('getsockname bound', s.getsockname)
    t.step('listen', s.listen, 5)
    t.step('getsockname listening', s.getsockname)


@scenario('flow/bind-port-names')
def bindp_names(t):
    s = t.tcp()
    port = t.port('mine')
    t.step('bind', s.bind, ('127.0.0.1', port))
    t.step('getsockname bound', s.getsockname)
    t.step('listen', s.listen, 5)
    t.step('getsockname listening', s.getsockname)


@scenario('flow/bind-any-names')
def bindany_names(t):
    s = t.tcp()
    t.step('bind', s.bind, ('', 0))
    t.step('getsockname bound', s.getsockname)
    t.step('listen', s.listen, 5)
    t.step('getsockname listening', s.getsockname)
    c = t.tcp('c')
    t.step('connect', lambda: c.connect(('127.0.0.1', s.getsockname()[1])))


@scenario('flow/bind-0.0.0.0-names')
def bindany4_names(t):
    s = t.tcp()
    t.step('bind', s.bind, ('0.0.0.0', 0))
    t.step('getsockname bound', s.getsockname)
    t.step('listen', s.listen, 5)
    t.step('getsockname listening', s.getsockname)


@scenario('flow/listen-unbound')
def listen_unbound(t):
    s = t.tcp()
    t.step('listen', s.listen, 5)
    t.step('getsockname', s.getsockname)
    c = t.tcp('c')
    t.step('connect', lambda: c.connect(('127.0.0.1', s.getsockname()[1])))


@scenario('flow/connect-names')
def connect_names(t):
    s = t.tcp()
    t.step('connect', s.connect, t.peer('sink'))
    t.step('getsockname', s.getsockname)
    t.step('getpeername', s.getpeername)


@scenario('flow/bind-then-connect')
def bind_connect(t):
    s = t.tcp()
    port = t.port('mine')
    t.step('bind', s.bind, ('127.0.0.1', port))
    t.step('connect', s.connect, t.peer('sink'))
    t.step('getsockname', s.getsockname)
    t.step('getpeername', s.getpeername)


@scenario('flow/bind0-then-connect')
def bind0_connect(t):
    s = t.tcp()
    t.step('bind', s.bind, ('127.0.0.1', 0))
    t.step('getsockname bound', s.getsockname)
    t.step('connect', s.connect, t.peer('sink'))
    t.step('getsockname', s.getsockname)


for _name, _how in (('listen', 0), ('connect', 1), ('connect_ex', 2)):
    def _make(name, how):
        @scenario('flow/busy-bind-then-%s' % name)
        def busy_bind(t):
            s = t.tcp()
            t.step('bind busy', s.bind, t.peer('busy'))
            t.step('getsockname', s.getsockname)
            if how == 0:
                t.step('listen', s.listen, 5)
            elif how == 1:
                t.step('connect', s.connect, t.peer('sink'))
            else:
                t.step('connect_ex', s.connect_ex, t.peer('sink'))
            t.step('getsockname after', s.getsockname)

        @scenario('flow/busy-bind-reuse-then-%s' % name)
        def busy_bind_reuse(t):
            s = t.tcp()
            t.step('reuse', reuse, t, s)
            t.step('bind busy', s.bind, t.peer('busy'))
            if how == 0:
                t.step('listen', s.listen, 5)
            elif how == 1:
                t.step('connect', s.connect, t.peer('sink'))
            else:
                t.step('connect_ex', s.connect_ex, t.peer('sink'))

        @scenario('flow/foreign-bind-then-%s' % name)
        def foreign_bind(t):
            s = t.tcp()
            t.step('bind foreign', s.bind, ('198.51.100.7', 0))
            t.step('getsockname', s.getsockname)
            if how == 0:
                t.step('listen', s.listen, 5)
            elif how == 1:
                t.step('connect', s.connect, t.peer('sink'))
            else:
                t.step('connect_ex', s.connect_ex, t.peer('sink'))
    _make(_name, _how)


@scenario('flow/two-binds-same-port')
def two_binds(t):
    """Both binds go through on Jython; the second listen is the one to fail."""
    port = t.port('shared')
    a, b = t.tcp('a'), t.tcp('b')
    t.step('bind a', a.bind, ('127.0.0.1', port))
    t.step('bind b', b.bind, ('127.0.0.1', port))
    t.step('listen b', b.listen, 5)
    t.step('listen a', a.listen, 5)
    t.step('getsockname a', a.getsockname)
    t.step('getsockname b', b.getsockname)


@scenario('flow/two-binds-same-port-reuse')
def two_binds_reuse(t):
    port = t.port('shared')
    a, b = t.tcp('a'), t.tcp('b')
    t.step('reuse a', reuse, t, a)
    t.step('reuse b', reuse, t, b)
    t.step('bind a', a.bind, ('127.0.0.1', port))
    t.step('bind b', b.bind, ('127.0.0.1', port))
    t.step('listen a', a.listen, 5)
    t.step('listen b', b.listen, 5)


@scenario('flow/bound-port-not-reserved')
def not_reserved(t):
    """A bound but not listening socket does not hold its port on Jython."""
    port = t.port('shared')
    a, b = t.tcp('a'), t.tcp('b')
    t.step('bind a', a.bind, ('127.0.0.1', port))
    t.step('bind b', b.bind, ('127.0.0.1', port))
    t.step('connect b', b.connect, t.peer('sink'))
    t.step('getsockname b', b.getsockname)


@scenario('flow/bind-twice')
def bind_twice(t):
    s = t.tcp()
    t.step('bind', s.bind, ('127.0.0.1', t.port('one')))
    t.step('bind again', s.bind, ('127.0.0.1', t.port('two')))
    t.step('getsockname', s.getsockname)
    t.step('listen', s.listen, 5)
    t.step('getsockname listening', s.getsockname)


@scenario('flow/bind-after-listen')
def bind_after_listen(t):
    s = t.tcp()
    t.step('listen', s.listen, 5)
    t.step('bind', s.bind, ('127.0.0.1', t.port('one')))
    t.step('getsockname', s.getsockname)


@scenario('flow/listen-twice')
def listen_twice(t):
    s = t.tcp()
    t.step('bind', s.bind, ('127.0.0.1', t.port('mine')))
    t.step('listen', s.listen, 5)
    t.step('listen again', s.listen, 1)
    t.step('getsockname', s.getsockname)
    c = t.tcp('c')
    t.step('connect', lambda: c.connect(s.getsockname()[:2]))


@scenario('flow/listen-twice-bind0')
def listen_twice_bind0(t):
    s = t.listener()
    t.step('listen again', s.listen, 1)
    t.step('getsockname', s.getsockname)


@scenario('flow/connect-listening')
def connect_listening(t):
    s = t.listener()
    t.step('connect', s.connect, t.peer('sink'))
    t.step('getpeername', s.getpeername)
    s.settimeout(0.06)
    t.step('accept', s.accept)


@scenario('flow/connect-twice-same')
def connect_twice(t):
    s = t.tcp()
    t.step('connect', s.connect, t.peer('echo'))
    t.step('connect again', s.connect, t.peer('echo'))
    t.step('send', s.send, b'abc')
    s.settimeout(2)
    t.step('recv', s.recv, 10)
    t.step('connect_ex again', s.connect_ex, t.peer('echo'))


@scenario('flow/reconnect-after-refused')
def reconnect(t):
    s = t.tcp()
    t.step('connect refused', s.connect, t.peer('refused'))
    t.step('connect good', s.connect, t.peer('echo'))
    t.step('send', s.send, b'abc')
    t.step('settimeout', s.settimeout, 1)
    t.step('recv', lambda: s.gettimeout() is not None and s.recv(10))


@scenario('flow/reconnect-after-refused-t')
def reconnect_t(t):
    s = t.tcp()
    s.settimeout(1)
    t.step('connect refused', s.connect, t.peer('refused'))
    t.step('connect good', s.connect, t.peer('echo'))
    t.step('send', s.send, b'abc')
    t.step('recv', s.recv, 10)


@scenario('flow/listen-after-refused')
def listen_after_refused(t):
    s = t.tcp()
    t.step('connect refused', s.connect, t.peer('refused'))
    t.step('listen', s.listen, 5)
    t.step('getsockname', s.getsockname)


@scenario('flow/bind-after-refused')
def bind_after_refused(t):
    s = t.tcp()
    t.step('connect refused', s.connect, t.peer('refused'))
    t.step('bind', s.bind, ('127.0.0.1', 0))
    t.step('connect good', s.connect, t.peer('sink'))


@scenario('flow/bind-connected')
def bind_connected(t):
    c, a, l = t.pair()
    t.step('bind connected', c.bind, ('127.0.0.1', 0))
    t.step('bind accepted', a.bind, ('127.0.0.1', 0))
    t.step('listen connected', c.listen, 1)
    t.step('listen accepted', a.listen, 1)


@scenario('flow/accept-names')
def accept_names(t):
    l = t.listener()
    c = t.tcp('c')
    t.step('connect', lambda: c.connect(l.getsockname()[:2]))
    l.settimeout(3)
    value = t.step('accept', l.accept)
    a = t.own(value[0], 'a') if value else MISSING
    t.step('a.getsockname', lambda: a.getsockname())
    t.step('a.getpeername', lambda: a.getpeername())
    t.step('peer==client', lambda: a.getpeername()[1] == c.getsockname()[1])
    t.step('addr==client', lambda: value[1][1] == c.getsockname()[1])
    t.step('c.getpeername', c.getpeername)
