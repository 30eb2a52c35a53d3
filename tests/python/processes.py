"""multiprocessing and subprocess: pipes, AF_UNIX, and sockets that go from process to process."""
import multiprocessing
import multiprocessing.connection
import multiprocessing.reduction
import os
import socket
import subprocess
import sys


def double(number):
    return 2 * number


def say_hello(address):
    with multiprocessing.connection.Client(address) as connection:
        connection.send("hello from a process")


def listen_on(connection):
    """The other process binds, this one listens."""
    sock = connection.recv()
    sock.listen()
    connection.send(sock.getsockname()[1])
    sock.accept()[0].sendall(b"served")


def main():
    with multiprocessing.Pool(2) as pool:
        print("Pool:", pool.map(double, range(5)))
    with multiprocessing.Manager() as manager:
        shared = manager.dict(a=1)
        shared["b"] = 2
        print("Manager:", sorted(shared.items()))
    for family in "AF_UNIX", "AF_INET":
        address = None if family == "AF_UNIX" else ("127.0.0.1", 0)
        with multiprocessing.connection.Listener(address, family) as listener:
            process = multiprocessing.Process(target=say_hello, args=(listener.address,))
            process.start()
            with listener.accept() as connection:
                print(family + ":", connection.recv())
            process.join()
    queue = multiprocessing.Queue()
    queue.put("queued")
    print("Queue:", queue.get(timeout=10))

    # a socket, bound and not yet listening, through SCM_RIGHTS
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=listen_on, args=(there,))
    process.start()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        here.send(sock)
        port = here.recv()
    print("SCM_RIGHTS:", socket.create_connection(("127.0.0.1", port)).recv(100))
    process.join()

    # pipes, a socket as standard input, and one inherited by number
    print("pipes:", subprocess.run(["tr", "a-z", "A-Z"], input=b"hello", stdout=subprocess.PIPE).stdout)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    client = socket.create_connection(listener.getsockname())
    server = listener.accept()[0]
    client.sendall(b"hello")
    client.close()
    print("stdin:", subprocess.run(["cat"], stdin=server, stdout=subprocess.PIPE).stdout)
    code = "import socket; s = socket.socket(fileno=%d); s.listen(); print(s.getsockname()[1] != 0)"
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.set_inheritable(True)
        print("inherited:", subprocess.run([sys.executable, "-c", code % bound.fileno()], close_fds=False,
                                           stdout=subprocess.PIPE).stdout)
    print("open descriptors:", len(os.listdir("/proc/self/fd")))


if __name__ == "__main__":
    main()
