"""Two listeners for one port: who fails, and when?"""
import socket

from attempt import attempt

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    probe.listen()
    port = probe.getsockname()[1]
first, second = socket.socket(), socket.socket()
for server in first, second:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
attempt("first bind", first.bind, ("127.0.0.1", port))
attempt("first listen", first.listen)
attempt("second bind", second.bind, ("127.0.0.1", port))
print("second has the name:", second.getsockname() == ("127.0.0.1", port))
attempt("second listen", second.listen)
client = socket.create_connection(("127.0.0.1", port))
print("first serves:", first.accept()[1] == client.getsockname())
