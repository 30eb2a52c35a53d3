"""The source address of UDP datagrams in each mode, by every call that gives one. For CPython 2.7 too."""
from __future__ import print_function

import select
import socket
import sys

server, client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
server.bind(("127.0.0.1", 0))
client.bind(("127.0.0.1", 0))
here, buffer = client.getsockname(), bytearray(10)
calls = [("recvfrom", lambda: server.recvfrom(10)), ("recvfrom_into", lambda: server.recvfrom_into(buffer))]
if "messages" in sys.argv:
    calls = [("recvmsg", lambda: server.recvmsg(10)), ("recvmsg_into", lambda: server.recvmsg_into([buffer]))]
modes = [("blocking", lambda: server.settimeout(None)), ("timeout", lambda: server.settimeout(10)),
         ("zero", lambda: server.settimeout(0)), ("non-blocking", lambda: server.setblocking(False))]
for mode, set_mode in modes:
    for name, call in calls:
        set_mode()
        client.sendto(b"datagram", server.getsockname())
        select.select([server], [], [])
        answer = call()
        source = answer[-1]
        assert answer[0] in (b"datagram", 8)
        print(mode, name, len(answer), "address" if source == here else "(%s, %d)" % source)
