"""Find a port, hand it out, let somebody else have it: the habit that Jython breaks."""
import socket

from attempt import attempt

server = socket.socket()
server.bind(("127.0.0.1", 0))
promised = server.getsockname()[1]
server.listen()
actual = server.getsockname()[1]
print("promised port is zero:", promised == 0)
attempt("client of the promised port",
        lambda: socket.create_connection(("127.0.0.1", promised)).getpeername()[1] == promised)
print("client of the actual port:", socket.create_connection(("127.0.0.1", actual)).getpeername()[1] == actual)
