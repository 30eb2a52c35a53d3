"""Runs on CPython 2.7, CPython 3 and Jython 2.7: nothing in it depends on the profile."""
import select
import socket
import threading

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', 0))
listener.listen(5)


def client():
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.connect(listener.getsockname())
    sock.sendall(b'hello')
    sock.recv(10)
    sock.close()


thread = threading.Thread(target=client)
thread.start()
accepted, _ = listener.accept()
select.select([accepted], [], [], 5)
accepted.recv(10)
accepted.send(b'bye')
thread.join()
accepted.close()
listener.close()
