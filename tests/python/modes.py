"""How the operations of a socket end in each of CPython's modes. For CPython 2.7 too."""
from __future__ import print_function

import socket
import sys

from attempt import listening, outcome


def fill(sock):
    while True:
        sock.send(b"x" * 65536)


def blocking(sock):
    return sock.getblocking() if hasattr(sock, "getblocking") else sock.gettimeout() != 0


def full(sockets=[]):
    """The address of a listener whose queue is full: connections stay pending."""
    listener = listening(1)
    for _ in range(4):
        sockets.append(socket.socket())
        sockets[-1].setblocking(False)
        sockets[-1].connect_ex(listener.getsockname())
    sockets.append(listener)
    return listener.getsockname()


def report(label, set_mode):
    listener = listening()
    client, server, udp, fresh = socket.socket(), None, socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
    client.connect(listener.getsockname())
    server = listener.accept()[0]
    udp.bind(("127.0.0.1", 0))
    for sock in listener, client, udp, fresh:
        set_mode(sock)
    print(label, "gettimeout", client.gettimeout(), "blocking", blocking(client))
    for name, call, args in (("accept", listener.accept, ()), ("recv", client.recv, (10,)),
                             ("recvfrom", udp.recvfrom, (10,)), ("send", fill, (client,)),
                             ("connect", fresh.connect, (full(),))):
        print(label, name, outcome(call, *args))
    server.send(b"data")
    client.settimeout(10)
    assert client.recv(10) == b"data"


for text in sys.argv[1:]:
    report(text, eval("lambda s: s." + text))
