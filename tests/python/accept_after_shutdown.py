"""A thread waits in accept while the listener is shut down."""
import socket
import sys
import threading

from attempt import attempt

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
name = listener.getsockname()
outcome = []


def serve():
    try:
        outcome.append(listener.accept()[0].send(b"served"))
    except OSError as error:
        outcome.append("errno %d" % error.errno)


def waits_in_accept(thread):
    """In the system call whose first argument is the listener?"""
    with open("/proc/self/task/%d/syscall" % thread.native_id) as state:
        words = state.read().split()
    return len(words) > 1 and words[1] == hex(listener.fileno())


thread = threading.Thread(target=serve)
thread.start()
while not waits_in_accept(thread):
    pass
attempt("shutdown", listener.shutdown, socket.SHUT_RDWR)
attempt("client", lambda: socket.create_connection(name).recv(100))
thread.join(20)
sys.stdout.write("accept: %s\n" % " ".join(map(str, outcome)))  # whole, whatever a debugger writes meanwhile
