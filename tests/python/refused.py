"""A socket whose connect was refused, tried again on a port that answers."""
import socket

from attempt import attempt

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
with socket.socket() as other:
    other.bind(("127.0.0.1", 0))
    other.listen()
    closed = other.getsockname()
client = socket.socket()
attempt("closed port", client.connect, closed)
attempt("again, open port", client.connect, listener.getsockname())
attempt("send", client.send, b"x")
attempt("bind", client.bind, ("127.0.0.1", 0))
client.close()
attempt("new socket", lambda: socket.create_connection(listener.getsockname()).send(b"x"))
