"""A timeout asked of one socket and given to another, and other ways it travels. For CPython 2.7 too."""
from __future__ import print_function

import socket

from attempt import listening, outcome


def pair_of(set_mode):
    source, copy = socket.socket(), listening()
    set_mode(source)
    copy.settimeout(source.gettimeout())
    return copy


def duplicated(set_mode):
    sock = listening()
    set_mode(sock)
    return sock.dup()


def by_default(value):
    socket.setdefaulttimeout(value)
    shown = socket.getdefaulttimeout()
    socket.setdefaulttimeout(shown)
    sock = listening()
    socket.setdefaulttimeout(None)
    assert shown == value
    return sock


def say(label, sock):
    print(label, sock.gettimeout(), outcome(sock.accept))


say("copy of setblocking(False)", pair_of(lambda s: s.setblocking(False)))
say("copy of settimeout(0)", pair_of(lambda s: s.settimeout(0)))
say("copy of settimeout(0.01)", pair_of(lambda s: s.settimeout(0.01)))
print("copy of settimeout(None)", pair_of(lambda s: s.settimeout(None)).gettimeout())
say("dup of setblocking(False)", duplicated(lambda s: s.setblocking(False)))
say("default zero", by_default(0))
say("default 0.01", by_default(0.01))
zero = listening()
zero.settimeout(0)
zero.setblocking(False)
say("settimeout(0), then setblocking(False)", zero)
zero.settimeout(0)
say("and settimeout(0) again", zero)
zero.setblocking(True)
print("and blocking again", zero.gettimeout())
for wrong in "0", -1:
    try:
        zero.settimeout(wrong)
    except (TypeError, ValueError) as error:
        print("settimeout", repr(wrong), type(error).__name__)
