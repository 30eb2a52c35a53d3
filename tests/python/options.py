"""Socket options that Java has, and some that it has not."""
import socket
from socket import (IP_TOS, IPPROTO_IP, IPPROTO_TCP, SO_BROADCAST, SO_KEEPALIVE, SO_RCVBUF, SO_REUSEADDR,
                    SO_REUSEPORT, SO_SNDBUF, SOL_SOCKET, TCP_KEEPIDLE, TCP_NODELAY)

from attempt import attempt

tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for name, sock in ("tcp", tcp), ("udp", udp):
    attempt(name + " SO_REUSEPORT", sock.setsockopt, SOL_SOCKET, SO_REUSEPORT, 1)
    attempt(name + " IP_TOS", sock.setsockopt, IPPROTO_IP, IP_TOS, 16)
    attempt(name + " SO_REUSEADDR", sock.setsockopt, SOL_SOCKET, SO_REUSEADDR, 1)
attempt("TCP_KEEPIDLE", tcp.setsockopt, IPPROTO_TCP, TCP_KEEPIDLE, 30)
attempt("get TCP_KEEPIDLE", lambda: tcp.getsockopt(IPPROTO_TCP, TCP_KEEPIDLE) > 0)
attempt("IPV6_V6ONLY", socket.socket(socket.AF_INET6).setsockopt, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
attempt("SO_KEEPALIVE", tcp.setsockopt, SOL_SOCKET, SO_KEEPALIVE, 1)
attempt("udp SO_KEEPALIVE", udp.setsockopt, SOL_SOCKET, SO_KEEPALIVE, 1)
attempt("udp SO_BROADCAST", udp.setsockopt, SOL_SOCKET, SO_BROADCAST, 1)
attempt("tcp SO_BROADCAST", tcp.setsockopt, SOL_SOCKET, SO_BROADCAST, 1)
for sock in tcp, udp:
    for option in SO_RCVBUF, SO_SNDBUF:
        sock.setsockopt(SOL_SOCKET, option, 20000)
        print("asked for 20000:", sock.getsockopt(SOL_SOCKET, option))

early, late = socket.socket(), socket.socket()
attempt("TCP_NODELAY before listen", early.setsockopt, IPPROTO_TCP, TCP_NODELAY, 1)
for server in early, late:
    server.bind(("127.0.0.1", 0))
attempt("listen", early.listen)
attempt("listens all the same", lambda: socket.create_connection(early.getsockname()) is not None)
attempt("listen", late.listen)
attempt("TCP_NODELAY after listen", late.setsockopt, IPPROTO_TCP, TCP_NODELAY, 1)
client = socket.create_connection(late.getsockname())
accepted = late.accept()[0]
for name, sock in ("client", client), ("accepted", accepted):
    attempt(name + " TCP_NODELAY", sock.setsockopt, IPPROTO_TCP, TCP_NODELAY, 1)
    attempt(name + " has it", lambda: sock.getsockopt(IPPROTO_TCP, TCP_NODELAY) != 0)
