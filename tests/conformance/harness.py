"""Transcript recorder shared by every scenario.

Runs unmodified under CPython 2.7, CPython 3.x and Jython 2.7 (with either the
2.7.3 Netty socket module or the java.nio one of Jython 2.5.3 on sys.path).

A scenario is a function taking a `Transcript`.  Each `t.step(label, fn, ...)`
produces one line {id, n, op, out[, t]} in which `out` is one of

    ok | ok:VALUE            success, VALUE normalised (see `norm`)
    error:ENAME              socket.error/OSError/select.error with that errno
    timeout                  socket.timeout
    gaierror                 name lookup failure
    unmapped:JAVACLASS       Jython's "Unmapped exception" (errno -1)
    exc:PYCLASS[(ENAME)]     any other Python exception
    java:JAVACLASS           a Java exception that escaped the socket module
    noconst:NAME / noattr:.. the module has no such constant / attribute
    skip                     an object this step needs was never created
    HANG | CRASH:sig         the watchdog ended it
"""
import json
import os
import struct
import sys
import threading
import time

import socket

from outcomes import INTS, TEXT, NoConst, Unavailable, classify, is_address, norm_bytes, norm_host, time_class

JYTHON = sys.platform.startswith('java')
PORTS = json.loads(os.environ.get('CONF_PORTS', '{}'))

# Long enough for Netty's threads, short enough to be usable.
SETTLE = float(os.environ.get('CONF_SETTLE', '0.03' if JYTHON else '0.01'))
STEP_LIMIT = float(os.environ.get('CONF_LIMIT', '2.5'))


class Missing(object):
    """Stands for an object whose creation failed; steps using it are skipped."""

    def __getattr__(self, name):
        raise Unavailable(name)


MISSING = Missing()


def const(name):
    """A socket-module constant by name; its absence becomes `noconst:NAME`."""
    try:
        return getattr(socket, name)
    except AttributeError:
        raise NoConst(name)


# --- transcript ------------------------------------------------------------

_next_port = [0]


def fresh_port():
    """A port number below the ephemeral range, different on every call; CONF_RANGE keeps parallel runs apart."""
    first, last = [int(port) for port in os.environ.get('CONF_RANGE', '11000-30000').split('-')]
    if not _next_port[0]:
        _next_port[0] = first + (int(time.time() * 1000) + os.getpid() * 97) % ((last - first) // 2)
    _next_port[0] += 1
    if _next_port[0] > last:
        _next_port[0] = first
    return _next_port[0]


class Transcript(object):

    def __init__(self, scenario_id, sink):
        self.id = scenario_id
        self.sink = sink          # callable taking one dict
        self.n = 0
        self.current = None       # label of the step in progress
        self.lock = threading.Lock()
        self.dead = False         # set by the watchdog
        self.to_close = []
        self.names = {}           # id(socket) -> name
        self.ports = dict((port, name) for name, port in PORTS.items())
        self.set_mode = lambda sock: None     # a scenario may replace it

    # -- recording

    def emit(self, label, out, timing=None):
        with self.lock:
            if self.dead:
                return
            record = {'id': self.id, 'n': self.n, 'op': label, 'out': out}
            if timing:
                record['t'] = timing
            self.n += 1
            self.current = None
            self.sink(record)

    def mark_dead(self, why):
        """Called by the watchdog: close the transcript with a HANG line."""
        with self.lock:
            if self.dead:
                return
            self.dead = True
            self.sink({'id': self.id, 'n': self.n, 'op': self.current or '?', 'out': why})

    def call(self, fn, args):
        """(normalised outcome, raw value or None)"""
        try:
            value = fn(*args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:
            return classify(exc), None
        except:                                   # Java throwables on Jython
            return classify(sys.exc_info()[1]), None
        return None, value

    def step(self, label, fn, *args, **kw):
        """Run fn(*args), record the outcome, return the value (None on error)."""
        self.current = label
        out, value = self.call(fn, args)
        if out is None:
            show = kw.get('show', self.norm)
            text = show(value) if kw.get('value', True) else ''
            out = 'ok:' + text if text else 'ok'
        self.emit(label, out)
        return value

    def timed(self, label, fn, *args, **kw):
        """Like step, repeated; the smallest elapsed time gives the class."""
        self.current = label
        best, out, value = None, None, None
        for _ in range(kw.get('reps', 8)):
            start = time.time()
            out, value = self.call(fn, args)
            elapsed = time.time() - start
            best = elapsed if best is None else min(best, elapsed)
            if elapsed > 0.03:
                break
        if out is None:
            text = self.norm(value)
            out = 'ok:' + text if text else 'ok'
        self.emit(label, out, time_class(best))
        return value

    def setup(self, fn, *args):
        """Unrecorded preparation; failure ends the scenario."""
        self.current = 'setup'
        out, value = self.call(fn, args)
        if out is not None:
            raise SetupFailed(out)
        return value

    # -- values

    def norm(self, value):
        if value is None:
            return ''
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, INTS):
            return str(value)
        if isinstance(value, float):
            return '%g' % value
        if isinstance(value, TEXT):
            return norm_bytes(value)
        if id(value) in self.names:
            return self.names[id(value)]
        if hasattr(value, 'getsockname'):
            return 'sock'
        if is_address(value):
            return self.norm_addr(value)
        if isinstance(value, (tuple, list)):
            return '(' + ','.join(self.norm(v) or 'None' for v in value) + ')'
        if hasattr(value, '__len__') and hasattr(value, '__getitem__') and len(value) in (2, 4):
            return self.norm_addr(value)
        return type(value).__name__

    def norm_addr(self, addr):
        port = addr[1]
        label = '0' if port == 0 else self.ports.get(port, 'eph' if port > 0 else str(port))
        return '%s:%s' % (norm_host(addr[0]), label)

    # -- helpers for scenarios

    def sleep(self, seconds=None):
        time.sleep(SETTLE if seconds is None else seconds)

    def port(self, name='free'):
        number = fresh_port()
        self.ports[number] = name
        return number

    def peer(self, service, host='127.0.0.1'):
        return (host, PORTS[service])

    def own(self, sock, name):
        self.to_close.append(sock)
        self.names[id(sock)] = name
        return sock

    def tcp(self, name='s', family='AF_INET'):
        return self.own(socket.socket(getattr(socket, family), socket.SOCK_STREAM), name)

    def udp(self, name='u', family='AF_INET'):
        return self.own(socket.socket(getattr(socket, family), socket.SOCK_DGRAM), name)

    def listener(self, name='l', backlog=5, host='127.0.0.1', family='AF_INET'):
        """A listening socket on an ephemeral port labelled with its name."""
        sock = self.tcp(name, family)
        sock.bind((host, 0))
        sock.listen(backlog)
        self.ports[sock.getsockname()[1]] = name
        return sock

    def accepted(self, listener, name='a'):
        """Accept one connection (timeout mode), return it in blocking mode."""
        listener.settimeout(3)
        sock, _ = listener.accept()
        listener.settimeout(None)
        sock.settimeout(None)
        return self.own(sock, name)

    def pair(self):
        """(client, accepted, listener) connected to each other."""
        listener = self.listener()
        client = self.tcp('c')
        client.connect(listener.getsockname()[:2])
        server = self.accepted(listener)
        self.sleep()
        return client, server, listener

    def accept_step(self, label, listener, name='a'):
        """A recorded accept; returns the socket or MISSING."""
        value = self.step(label, listener.accept, show=lambda v: self.norm(v))
        if value is None:
            return MISSING
        return self.own(value[0], name)

    def cleanup(self):
        for sock in self.to_close:
            try:
                sock.close()
            except:                               # noqa: E722  (Java too)
                pass


class SetupFailed(Exception):
    pass


def linger(on, seconds):
    return struct.pack('ii', on, seconds)


def show_opt(name, requested=None):
    """Normaliser for getsockopt values: buffers relative to what was asked."""
    def show(value):
        if name == 'SO_LINGER' and not isinstance(value, INTS) and value is not None:
            return 'linger%s' % (struct.unpack('ii', value),)
        if value is None:
            return 'None'
        if name in ('SO_RCVBUF', 'SO_SNDBUF', 'TCP_MAXSEG'):
            if value == requested:
                return '=asked'
            if requested and value == 2 * requested:
                return '=2x'
            return '0' if value == 0 else ('neg' if value < 0 else 'other')
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, INTS):
            return str(value)
        if isinstance(value, TEXT):
            return norm_bytes(value)
        return type(value).__name__
    return show


# --- registry and runner ---------------------------------------------------

SCENARIOS = []      # (id, function), in definition order


def scenario(scenario_id):
    def register(fn):
        SCENARIOS.append((scenario_id, fn))
        return fn
    return register


def _run_body(fn, t):
    try:
        fn(t)
    except SetupFailed as exc:
        t.emit('setup', 'failed:%s' % exc.args[0])
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as exc:
        t.emit('setup', 'failed:%s' % classify(exc))
    except:                                       # Java throwables
        t.emit('setup', 'failed:%s' % classify(sys.exc_info()[1]))
    if not t.dead:
        t.cleanup()


def _run_threaded(scenario_id, fn, write):
    t = Transcript(scenario_id, write)
    thread = threading.Thread(target=_run_body, args=(fn, t))
    thread.setDaemon(True)
    thread.start()
    thread.join(STEP_LIMIT)
    if thread.is_alive():
        t.mark_dead('HANG')
        closer = threading.Thread(target=t.cleanup)
        closer.setDaemon(True)
        closer.start()
        closer.join(1)


def _run_forked(scenario_id, fn, write):
    """One child per scenario: a crash or a hang costs only that scenario."""
    import signal
    read_fd, write_fd = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_fd)
        out = os.fdopen(write_fd, 'w')

        def sink(record):
            out.write(json.dumps(record) + '\n')
            out.flush()
        t = Transcript(scenario_id, sink)

        def on_alarm(signum, frame):
            t.mark_dead('HANG')
            os._exit(0)
        signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, STEP_LIMIT)
        # A second thread's watchdog in case the C code never returns to Python.
        guard = threading.Timer(STEP_LIMIT + 1, lambda: (t.mark_dead('HANG'), os._exit(0)))
        guard.daemon = True
        guard.start()
        try:
            _run_body(fn, t)
        finally:
            os._exit(0)
    os.close(write_fd)
    last = -1
    with os.fdopen(read_fd, 'r') as pipe:
        for line in pipe:
            record = json.loads(line)
            last = record['n']
            write(record)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        write({'id': scenario_id, 'n': last + 1, 'op': '?', 'out': 'CRASH:%d' % os.WTERMSIG(status)})


def run_selected(selected, path):
    with open(path, 'w') as out:
        def write(record):
            out.write(json.dumps(record, sort_keys=True) + '\n')
            out.flush()
        runner = _run_threaded if JYTHON else _run_forked
        for scenario_id, fn in selected:
            runner(scenario_id, fn, write)
