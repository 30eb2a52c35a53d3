"""Runs a script with a note of every socket call: compare_trace.py TRANSCRIPT SCRIPT [ARGUMENT...]

Runs unmodified on CPython 2.7, CPython 3 and Jython 2.7; the script is not touched. A line of the transcript is the thread's
name (empty for the main one), a tab, and the call with its outcome. What differs between two runs of one program, such as
ephemeral ports and the numbers of constants, is written the same.
"""
import os
import re
import runpy
import select
import socket
import sys
import threading
import traceback
import weakref

# The script's own folder comes first on its path, not this one.
HERE = sys.path.pop(0)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fuzz_runtime                               # noqa: E402
sys.path[0] = HERE

PYTHON3 = sys.version_info[0] >= 3
INSTANCE = ('recv', 'recvfrom', 'recv_into', 'recvfrom_into', 'send', 'sendto')   # bound one by one in Python 2
METHODS = ('accept', 'bind', 'close', 'connect', 'connect_ex', 'dup', 'getpeername', 'getsockname', 'getsockopt',
           'gettimeout', 'listen', 'makefile', 'sendall', 'setblocking', 'setsockopt', 'settimeout', 'shutdown')
# The constants of the leading arguments, by the start of their names; an option's depends on its level.
PREFIXES = {'socket': ('AF_', 'SOCK_', 'IPPROTO_'), 'shutdown': ('SHUT_',)}
LEVELS = {'SOL_SOCKET': 'SO_', 'IPPROTO_TCP': 'TCP_', 'IPPROTO_IP': 'IP_', 'IPPROTO_IPV6': 'IPV6_', 'IPPROTO_UDP': 'UDP_'}
FIRST_EPHEMERAL = 32768


class Trace(object):

    def __init__(self, path):
        self.out = open(path, 'w')
        self.lock = threading.Lock()
        self.inside = threading.local()           # a call made by a call is no step of the script
        self.names = weakref.WeakKeyDictionary()
        self.counts = {}
        self.closed = set()

    # -- values

    def name(self, sock):
        """Numbered within the thread that has it first: which thread is faster does not matter."""
        with self.lock:
            if sock not in self.names:
                thread = self.thread()
                self.counts[thread] = self.counts.get(thread, 0) + 1
                self.names[sock] = '%ss%d' % (thread and thread + '.', self.counts[thread])
            return self.names[sock]

    def thread(self):
        name = threading.current_thread().name
        return '' if name == 'MainThread' else re.sub(r' \(.*', '', name)

    def constant(self, value, prefix):
        """The plainest name: several protocols share numbers."""
        found = [name for name in dir(socket) if name.startswith(prefix) and getattr(socket, name) == value]
        return min(found, key=lambda name: (len(name), name)) if found else str(value)

    def constants(self, method, values):
        """The leading arguments that are constants, by name."""
        if method in ('setsockopt', 'getsockopt') and len(values) > 1:
            level = next((name for name in LEVELS if getattr(socket, name, None) == values[0]), str(values[0]))
            return [level, self.constant(values[1], LEVELS.get(level, '-'))]
        return [self.constant(value, prefix) for value, prefix in zip(values, PREFIXES.get(method, ()))]

    def shown(self, value, data=False):
        if isinstance(value, socket.socket):
            return self.name(value)
        if hasattr(value, 'readline'):
            return 'file'
        if value is None or isinstance(value, (bool, float)):
            return str(value)
        if isinstance(value, fuzz_runtime.INTEGERS):
            return str(int(value))
        if isinstance(value, (bytes, bytearray)) and (PYTHON3 or data):
            text = repr(bytes(value)).lstrip('b')
            return 'b' + text if len(text) < 50 else 'b%s...[%d]' % (text[:40], len(value))
        if isinstance(value, fuzz_runtime.TEXTS):
            return repr(str(value))
        if isinstance(value, tuple) and len(value) in (2, 4) and self.is_port(value[1]):
            host = str(value[0]).split('%')[0]
            return "('%s', %s)" % (fuzz_runtime.HOSTS.get(host, host),
                                   'ephemeral' if value[1] >= FIRST_EPHEMERAL else value[1])
        if isinstance(value, (tuple, list)):
            return ('(%s)' if isinstance(value, tuple) else '[%s]') % ', '.join(self.shown(item, data) for item in value)
        return type(value).__name__

    def is_port(self, value):
        return isinstance(value, fuzz_runtime.INTEGERS) and not isinstance(value, bool)

    def arguments(self, method, values, keywords):
        shown = self.constants(method, values)
        shown += [self.shown(value, method.startswith('send')) for value in values[len(shown):]]
        return ', '.join(shown + ['%s=%s' % (key, self.shown(keywords[key])) for key in sorted(keywords)])

    # -- lines

    def note(self, text):
        with self.lock:
            self.out.write('%s\t%s\n' % (self.thread(), text))
            self.out.flush()

    def outcome(self, text, call, show):
        """Do the call as a step of the script, and note it."""
        self.inside.call = True
        try:
            value = call()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:
            self.note('%s -> %s' % (text, fuzz_runtime.failure(exc)))
            raise
        except:                                   # noqa: E722  Java throwables
            self.note('%s -> %s' % (text, fuzz_runtime.failure(sys.exc_info()[1])))
            raise
        finally:
            self.inside.call = False
        self.note('%s -> %s' % (text, show(value)))
        return value

    def traced(self, method, original, sock=None):
        """The method with a note; `sock` where it is bound already."""
        def call(*values, **keywords):
            if getattr(self.inside, 'call', False):
                return original(*values, **keywords)
            this, rest = (values[0], values[1:]) if sock is None else (sock, values)
            if method == 'close' and (id(this) in self.closed or self.closed.add(id(this))):
                return original(*values, **keywords)
            text = '%s.%s(%s)' % (self.name(this), method, self.arguments(method, rest, keywords))
            value = self.outcome(text, lambda: original(*values, **keywords),
                                 lambda value: self.result(method, value))
            if not PYTHON3 and method == 'close':
                self.bind(this)
            return value
        return call

    def result(self, method, value):
        if method == 'connect_ex' and value:
            return fuzz_runtime.errno_name(value)
        return self.shown(value, method.startswith('recv'))

    def muted(self, original):
        def call(*values, **keywords):
            before, self.inside.call = getattr(self.inside, 'call', False), True
            try:
                return original(*values, **keywords)
            finally:
                self.inside.call = before
        return call

    # -- where the wrappers go

    def bind(self, sock):
        for method in INSTANCE:
            if hasattr(sock, method):
                setattr(sock, method, self.traced(method, getattr(sock, method), sock))

    def install(self):
        kind = socket.socket
        create = kind.__init__

        def init(this, *values, **keywords):
            if getattr(self.inside, 'call', False):
                create(this, *values, **keywords)
            else:
                text = 'socket(%s)' % self.arguments('socket', values, {})
                self.outcome(text, lambda: create(this, *values, **keywords), lambda _: self.name(this))
            if not PYTHON3:
                self.bind(this)
        kind.__init__ = init
        for method in METHODS + (INSTANCE if PYTHON3 else ()):
            setattr(kind, method, self.traced(method, getattr(kind, method)))
        if PYTHON3:                               # Python 2's file objects use the socket beneath
            for method in ('readinto', 'write', 'close'):
                setattr(socket.SocketIO, method, self.muted(getattr(socket.SocketIO, method)))
            kind.__repr__ = self.muted(kind.__repr__)
        self.install_select()

    def install_select(self):
        plain_select, plain_poll = select.select, select.poll

        def traced_select(*values):
            return self.outcome('select(%s)' % self.shown(list(values))[1:-1], lambda: plain_select(*values),
                                lambda found: ' '.join('[%s]' % ', '.join(
                                    sorted(self.shown(sock) for sock in part)) for part in found))

        class Poll(object):
            def __init__(this):
                this.poll_object, this.known = plain_poll(), {}

            def __getattr__(this, name):
                return getattr(this.poll_object, name)

            def register(this, sock, *events):
                this.known[sock if isinstance(sock, int) else sock.fileno()] = this.known[sock] = sock
                return this.poll_object.register(sock, *events)

            def poll(this, *timeout):
                return self.outcome('poll(%s)' % self.shown(list(timeout))[1:-1],
                                    lambda: this.poll_object.poll(*timeout),
                                    lambda found: ' '.join(sorted('%s:%s' % (
                                        self.shown(this.known.get(sock)), self.events(what)) for sock, what in found)))
        select.select, select.poll = traced_select, Poll

    def events(self, what):
        return '+'.join(kind for kind in ('IN', 'PRI', 'OUT', 'ERR', 'HUP', 'NVAL')
                        if what & getattr(select, 'POLL' + kind))


def main():
    trace = Trace(sys.argv[1])
    sys.argv[:2] = []
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    trace.install()
    status = 0
    try:
        runpy.run_path(sys.argv[0], run_name='__main__')
        end = 'ok'
    except SystemExit as exc:
        status = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
        end = 'ok' if not status else 'status %d' % status
    except BaseException as exc:
        traceback.print_exc()
        status, end = 1, fuzz_runtime.failure(exc)
    except:                                       # noqa: E722  Java throwables
        status, end = 1, fuzz_runtime.failure(sys.exc_info()[1])
        traceback.print_exc()
    trace.note('end of the script -> ' + end)
    sys.stdout.flush()
    os._exit(status)                              # a thread that still waits for a peer shall not keep us


main()
