"""What the scripts share. For CPython 2.7 too."""
from __future__ import print_function

import errno
import socket
import time


def attempt(label, call, *args):
    """Say what the call returned, or the error that it raised."""
    try:
        print(label + ":", call(*args))
    except (OSError, socket.error) as error:
        print(label + ":", type(error).__name__, error.errno, error.strerror or error)


def outcome(call, *args):
    """The kind of the error; "early" if a timeout came before a millisecond was over."""
    start = time.time()
    try:
        call(*args)
        return "done"
    except socket.timeout as error:
        assert type(error) is socket.timeout
        return "timeout" if time.time() - start >= 0.0009 else "early timeout"
    except socket.error as error:
        return errno.errorcode[error.errno]


def listening(backlog=5):
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(backlog)
    return sock
