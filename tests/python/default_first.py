"""The default timeout is set before there is any socket. For CPython 2.7 too."""
from __future__ import print_function

import socket

socket.setdefaulttimeout(0)

from attempt import listening, outcome  # noqa: E402

first, second = listening(), listening()
print("first socket:", first.gettimeout(), outcome(first.accept))
print("second socket:", second.gettimeout(), outcome(second.accept))
print("default:", socket.getdefaulttimeout())
