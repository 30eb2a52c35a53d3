"""fork before the first socket, after it, and while threads work with sockets. For CPython 2.7 too."""
from __future__ import print_function

import os
import socket
import threading

from attempt import listening, outcome


def in_child(call):
    """What a child says, which must end well."""
    from_child, to_parent = os.pipe()
    child = os.fork()
    if not child:
        os.write(to_parent, str(call()).encode())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    os.close(to_parent)
    answer = os.read(from_child, 100)
    os.close(from_child)
    return answer.decode()


def zero(sock):
    sock.settimeout(0)
    return outcome(sock.accept)


print("before the first socket:", in_child(lambda: zero(listening())))
bound, listener = socket.socket(), listening()
bound.bind(("127.0.0.1", 0))
print("inherited listener:", in_child(lambda: zero(listener)))
print("new socket:", in_child(lambda: zero(listening())))


def listen_on_inherited():
    bound.listen(1)
    return socket.create_connection(bound.getsockname()) is not None


print("inherited pending bind:", in_child(listen_on_inherited))
busy, stop = [], []


def work():
    while not stop:
        zero(listening())
        busy.append(True)


threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
while len(busy) < 20:
    pass
print("among threads:", *{in_child(lambda: zero(listening())) for _ in range(20)})
stop.append(True)
for thread in threads:
    thread.join()
