"""A _socket.socket that is not CPython's own: the adapter must keep its hands off."""
import _socket
import socket

from attempt import outcome


class Other(_socket.socket):
    def settimeout(self, value):
        return super().settimeout(value)


_socket.socket = Other
for _ in range(3):
    sock = Other()
    sock.bind(("127.0.0.1", 0))
    sock.listen(1)
    sock.settimeout(0)
    print(sock.gettimeout(), outcome(sock._accept))
