"""What a call did, in words that every implementation shares (see `classify`, `Transcript.norm`)."""
import errno
import sys

import select
import socket

PY3 = sys.version_info[0] >= 3

_ALIASES = {'EWOULDBLOCK': 'EAGAIN', 'ENOTSUP': 'EOPNOTSUPP', 'EDEADLOCK': 'EDEADLK'}


def errno_name(number):
    name = errno.errorcode.get(number)
    if number == errno.EAGAIN:
        name = 'EAGAIN'
    return _ALIASES.get(name, name) or 'E%s' % (number,)


class Unavailable(Exception):
    """Raised in place of a step whose object was never created."""


class NoConst(Exception):
    """The socket module has no such constant."""


_HOSTS = {
    '127.0.0.1': 'lo', 'localhost': 'lo', '0.0.0.0': 'any', '': 'any',
    '::': 'any6', '0:0:0:0:0:0:0:0': 'any6',
    '::1': 'lo6', '0:0:0:0:0:0:0:1': 'lo6',
    '::ffff:127.0.0.1': 'lo-mapped', '::ffff:0.0.0.0': 'any-mapped',
    '255.255.255.255': 'bcast',
}

INTS = (int,) if PY3 else (int, long)          # noqa: F821
TEXT = (str, bytes) if PY3 else (str, unicode)  # noqa: F821


def norm_host(host):
    if host is None:
        return 'None'
    text = str(host).split('%')[0]
    return _HOSTS.get(text, text)


def is_address(value):
    try:
        if isinstance(value, TEXT) or len(value) not in (2, 4):
            return False
        host, port = value[0], value[1]
    except Exception:
        return False
    return (host is None or isinstance(host, TEXT)) and isinstance(port, INTS)


def norm_bytes(value):
    if PY3 and isinstance(value, bytes):
        value = value.decode('latin-1')
    if len(value) > 24:
        return 'bytes[%d]' % len(value)
    return "b'%s'" % ''.join(c if 32 <= ord(c) < 127 else '\\x%02x' % ord(c) for c in value)


def java_simple_name(exc):
    name = getattr(exc, '__class__', type(exc))
    return str(name).split('.')[-1].strip("'<>")


def classify(exc):
    """Normalised name of an exception (see the module docstring)."""
    if isinstance(exc, Unavailable):
        return 'skip'
    if isinstance(exc, NoConst):
        return 'noconst:%s' % exc.args[0]
    code = exc.args[0] if getattr(exc, 'args', ()) else None
    if isinstance(exc, socket.gaierror):
        return 'gaierror'
    if isinstance(exc, socket.timeout):
        if PY3 and getattr(exc, 'errno', None):
            return 'error:' + errno_name(exc.errno)
        return 'timeout'
    if isinstance(exc, (socket.error, select.error, IOError, OSError)):
        if code == -1:
            cause = getattr(exc, 'java_exception', None)
            if cause is None:
                text = str(exc.args[1]) if len(exc.args) > 1 else '?'
                if '<' in text and ':' in text:      # 2.5.3 select
                    text = text.split('<', 1)[1]
                else:
                    text = text.split(':', 1)[-1]
                return 'unmapped:' + text.split(':')[0].strip(' <>').split('.')[-1]
            return 'unmapped:' + java_simple_name(cause)
        if isinstance(code, INTS):
            return 'error:' + errno_name(code)
        if len(getattr(exc, 'args', ())) > 1 and isinstance(exc.args[1], INTS):
            return 'error:' + errno_name(exc.args[1])   # 2.5.3 select.error(msg, errno)
        return 'error:?'
    if isinstance(exc, AttributeError):
        return 'exc:AttributeError'
    if isinstance(exc, Exception) and not hasattr(exc, 'printStackTrace'):
        for arg in exc.args[1:2]:
            if isinstance(arg, INTS):
                return 'exc:%s(%s)' % (exc.__class__.__name__, errno_name(arg))
        return 'exc:' + exc.__class__.__name__
    return 'java:' + java_simple_name(exc)


TIME_CLASSES = ((0.0006, 'imm'), (0.006, '~1ms'), (0.03, '~10ms'), (0.085, '~50ms'),
                (0.17, '~100ms'), (0.45, '~250ms'), (1.5, '~1s'))


def time_class(seconds):
    for limit, name in TIME_CLASSES:
        if seconds < limit:
            return name
    return 'long'
