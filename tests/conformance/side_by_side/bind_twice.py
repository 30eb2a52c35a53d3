"""The second bind wins in 2.7 and fails in 2.5."""
import socket

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.bind(('127.0.0.1', 0))
try:
    sock.bind(('127.0.0.2', 0))
except socket.error:
    pass
sock.getsockname()
