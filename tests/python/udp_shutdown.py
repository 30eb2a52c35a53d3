"""shutdown of a bound UDP socket, and does it receive afterwards?"""
import socket

from attempt import attempt

server, client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
server.bind(("127.0.0.1", 0))
for how in "SHUT_RD", "SHUT_WR", "SHUT_RDWR":
    attempt(how, server.shutdown, getattr(socket, how))
attempt("bad how", server.shutdown, 7)
client.sendto(b"datagram", server.getsockname())
server.settimeout(2)
attempt("received", server.recv, 100)
client.connect(server.getsockname())
attempt("connected", client.shutdown, socket.SHUT_RDWR)
attempt("sent", client.send, b"datagram")
