"""Threads that make the first sockets of the process at one moment, then many sockets each. For CPython 2.7 too."""
from __future__ import print_function

import socket
import threading

from attempt import outcome

THREADS, ROUNDS = 8, 25
outcomes, started = set(), []
go = threading.Event()


def work():
    started.append(True)
    go.wait()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(0)
    outcomes.add(("first", outcome(sock.recvfrom, 1)))
    sock.close()
    for _ in range(ROUNDS):
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        sock.listen(5)
        client = socket.create_connection(sock.getsockname(), 10)
        client.sendall(b"hello")
        server = sock.accept()[0]
        assert server.recv(5) == b"hello"
        sock.settimeout(0)
        outcomes.add(("settimeout(0)", outcome(sock.accept)))
        sock.setblocking(False)
        outcomes.add(("setblocking(False)", outcome(sock.accept)))
        for each in sock, client, server:
            each.close()


threads = [threading.Thread(target=work) for _ in range(THREADS)]
for thread in threads:
    thread.start()
while len(started) < THREADS:
    pass
go.set()
for thread in threads:
    thread.join()
for line in sorted(outcomes):
    print(*line)
