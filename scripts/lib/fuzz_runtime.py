#!/usr/bin/env python
"""Runs a sequence of socket calls and tells what each of them did.

Runs unmodified on CPython 2.7, CPython 3 and Jython 2.7. A sequence is a list of source lines, each a call or
`name = call`; the names below (P0, P1, DEAD, near, accepted, ready, polled) are theirs. Nothing but the standard library.
"""
import errno
import re
import select
import socket
import sys
import time

JYTHON = sys.platform.startswith('java')
INTEGERS = (int,) if sys.version_info[0] >= 3 else (int, long)           # noqa: F821
TEXTS = (str, bytes) if sys.version_info[0] >= 3 else (str, unicode)     # noqa: F821
HOSTS = {'127.0.0.1': 'lo', '0.0.0.0': 'any', '::': 'any6', '0:0:0:0:0:0:0:0': 'any6',
         '::1': 'lo6', '0:0:0:0:0:0:0:1': 'lo6'}
# Calls whose effect comes some time later, or reaches another socket.
FAR = re.compile(r'\b(bind|listen|connect|connect_ex|accepted|send|sendall|sendto|shutdown|close)\(')


NAMES = {errno.EAGAIN: 'EAGAIN', errno.EOPNOTSUPP: 'EOPNOTSUPP'}     # of the numbers that have two


def errno_name(number):
    return NAMES.get(number) or errno.errorcode.get(number, 'E%d' % number)


def java_name(exc):
    return str(getattr(exc, '__class__', type(exc))).split('.')[-1].strip("'<>")


def failure(exc):
    """The name of an exception: error:ENAME, timeout, unmapped:JAVA-CLASS, java:JAVA-CLASS, exc:PYTHON-CLASS."""
    if isinstance(exc, NameError):
        return 'skip'
    if isinstance(exc, socket.timeout):
        return 'timeout'
    if isinstance(exc, socket.gaierror):
        return 'gaierror'
    if isinstance(exc, (socket.error, select.error, IOError, OSError)):
        code = exc.args[0] if exc.args else None
        if code == -1:
            return 'unmapped:' + java_name(getattr(exc, 'java_exception', None))
        return 'error:' + (errno_name(code) if isinstance(code, INTEGERS) else '?')
    if isinstance(exc, Exception) and not hasattr(exc, 'printStackTrace'):
        return 'exc:' + exc.__class__.__name__
    return 'java:' + java_name(exc)


class Sequence(object):
    """The names that the lines of one sequence see."""

    def __init__(self, ports, settle=0.06 if JYTHON else 0.02):
        self.settle = settle
        self.ports = dict(zip(ports, ('P0', 'P1', 'DEAD')))
        self.names = {'socket': socket, 'select': select, 'near': self.near, 'accepted': self.accepted,
                      'ready': self.ready, 'polled': self.polled}
        self.names.update((name, port) for port, name in self.ports.items())
        self.sockets = {}            # by variable, all that were ever made
        self.spare = []              # made by accept and not yet named

    def near(self, sock, host='127.0.0.1'):
        """Where to reach a socket on loopback; a dead port if it has none."""
        try:
            port = sock.getsockname()[1]
        except:                                   # noqa: E722  Java throwables too
            port = 0
        return host, port if port > 0 else self.names['DEAD']

    def accepted(self, listener, timeout):
        """Accept, with a timeout of its own: where it is inherited, CPython keeps it out of libc's sight."""
        sock = listener.accept()[0]
        self.spare.append(sock)
        sock.settimeout(timeout)
        return sock

    def ready(self, readers, writers, timeout):
        return [self.known(found) for found in select.select(readers, writers, [], timeout)[:2]]

    def polled(self, milliseconds, *socks):
        poll = select.poll()
        named = {}
        for sock in socks:
            poll.register(sock, select.POLLIN | select.POLLOUT)
            named[sock.fileno()] = named[sock] = sock
        found = []
        for sock, events in poll.poll(milliseconds):
            kinds = [kind for kind in ('IN', 'OUT', 'ERR', 'HUP', 'NVAL') if events & getattr(select, 'POLL' + kind)]
            found.append('%s:%s' % (self.known([named[sock]])[0], '+'.join(kinds)))
        return sorted(found)

    def known(self, socks):
        return sorted(name for name, sock in self.sockets.items() if any(sock is other for other in socks))

    def shown(self, value, line):
        if isinstance(value, bool) or isinstance(value, INTEGERS):
            return errno_name(value) if value > 0 and 'SO_ERROR' in line else str(int(value))
        if isinstance(value, bytes) and (sys.version_info[0] >= 3 or 'recv' in line):
            text = value.decode('latin-1')
            return 'bytes[%d]' % len(text) if len(text) > 24 else "b'%s'" % text
        if isinstance(value, TEXTS):
            return str(value)
        if isinstance(value, tuple) and len(value) in (2, 4) and isinstance(value[1], INTEGERS):
            host = str(value[0]).split('%')[0]
            return '%s:%s' % (HOSTS.get(host, host), self.ports.get(value[1], 'eph' if value[1] > 0 else value[1]))
        if isinstance(value, (tuple, list)):
            return '(%s)' % ','.join(self.shown(item, line) for item in value)
        return 'None' if value is None else 'sock'

    def run(self, line):
        """The outcome of one line: ok, ok:VALUE or one of failure()."""
        try:
            target, call = re.match(r'(?:(\w+) = )?(.*)$', line).groups()
            value = eval(call, self.names)
            if target:
                self.names[target] = self.sockets[target] = value
            shown = 'None' if value is None and 'recv' not in line else self.shown(value, line)
            outcome = 'ok' if shown == 'None' and 'recv' not in line else 'ok:' + shown
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:
            outcome = failure(exc)
        except:                                   # noqa: E722  Java throwables
            outcome = failure(sys.exc_info()[1])
        if FAR.search(line):
            time.sleep(self.settle)
        return outcome

    def close(self):
        for sock in list(self.sockets.values()) + self.spare:
            try:
                sock.close()
            except:                               # noqa: E722  Java throwables too
                pass


def free_ports(count=3):
    """TCP and UDP ports below the ephemeral range that nobody uses now."""
    found, port = [], 11000 + int(time.time() * 1000) % 9000
    while len(found) < count:
        port += 1
        probes = [socket.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
        try:
            for probe in probes:
                probe.bind(('127.0.0.1', port))
            found.append(port)
        except socket.error:
            pass
        for probe in probes:
            probe.close()
    return found


def play(lines):
    sequence = Sequence(free_ports())
    for line in lines:
        print('%-70s %s' % (line, sequence.run(line)))
        sys.stdout.flush()
    sequence.close()
