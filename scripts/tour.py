"""One thing that a socket program does, and one printed line: what came of it.

    python3 tour.py NAME        (scripts/tour runs each plain and under the library)
"""
import errno
import http.server
import os
import socket
import subprocess
import sys
import threading

LOOPBACK = "127.0.0.1"


def outcome(call, *arguments):
    """The value of a call in words, or the name of its error."""
    try:
        value = call(*arguments)
    except TimeoutError as error:
        return "timeout" if error.errno is None else errno.errorcode[error.errno]
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    return "ok" if value is None else str(value)


def listener():
    sock = socket.socket()
    sock.bind((LOOPBACK, 0))
    sock.listen()
    return sock


def port():
    """bind to port 0, then ask for the port"""
    sock = socket.socket()
    sock.bind((LOOPBACK, 0))
    number = sock.getsockname()[1]
    return "port 0" if number == 0 else "a real port"


def taken_port():
    """bind to a port that is taken, then listen"""
    sock = socket.socket()
    with listener() as other:
        bound = outcome(sock.bind, other.getsockname())
        return "bind: %s" % bound if bound != "ok" else "listen: %s" % outcome(sock.listen)


def shutdown_listener():
    """shutdown a listener, then connect to it"""
    with listener() as sock:
        sock.shutdown(socket.SHUT_RDWR)
        name = sock.getsockname()
        return outcome(socket.socket().connect, name)


def connect_again():
    """connect again after a refused connect"""
    closed = listener()
    name = closed.getsockname()
    closed.close()
    with listener() as sock:
        client = socket.socket()
        outcome(client.connect, name)
        return outcome(client.connect, sock.getsockname())


def zero_timeout():
    """recv after settimeout(0)"""
    with listener() as sock:
        client = socket.create_connection(sock.getsockname())
        client.settimeout(0)
        return outcome(client.recv, 1)


def nonblocking():
    """recv after setblocking(False)"""
    with listener() as sock:
        client = socket.create_connection(sock.getsockname())
        client.setblocking(False)
        return outcome(client.recv, 1)


def reuse_port():
    """setsockopt(SO_REUSEPORT)"""
    return outcome(socket.socket().setsockopt, socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def buffer_size():
    """set SO_RCVBUF to 20000, read it back"""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)
    return outcome(sock.getsockopt, socket.SOL_SOCKET, socket.SO_RCVBUF)


def source_address():
    """UDP recvfrom with a timeout: the source"""
    receiver = socket.socket(type=socket.SOCK_DGRAM)
    receiver.bind((LOOPBACK, 0))
    receiver.settimeout(5)
    socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", receiver.getsockname())
    source = receiver.recvfrom(1)[1]
    return "(None, -1)" if source[0] is None else "(%s, port)" % source[0]


def broken_pipe():
    """send, and send again, to a peer that has gone"""
    with listener() as sock:
        client = socket.create_connection(sock.getsockname())
        sock.accept()[0].close()
        results = [outcome(client.send, b"x") for _ in range(100)]
        return next((r for r in results if not r.isdigit()), "no error")


def curl():
    """curl fetches from an http.server on a fixed port"""
    with listener() as sock:
        fixed = sock.getsockname()[1]

    class Quiet(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer((LOOPBACK, fixed), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    done = subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "HTTP %{http_code}", "http://%s:%d/" % (LOOPBACK, fixed)],
                          stdout=subprocess.PIPE, check=False)
    return done.stdout.decode()


if __name__ == "__main__":
    name = sys.argv[1]
    print(globals()[name].__doc__ if sys.argv[2:] == ["--title"] else globals()[name]())
