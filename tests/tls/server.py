"""server.py DIR PORTS LOG: one TLS server for each NAME.pem of DIR, and one with
anonymous ciphers; writes "NAME PORT" lines to PORTS and what each handshake came
to ("NAME ok" or "NAME REASON") to LOG.  One byte from the client is answered "ok\n" in HTTP."""
import contextlib
import glob
import os
import selectors
import socket
import ssl
import sys
import threading

directory, ports, log_name = sys.argv[1:]
log = open(log_name, "a", buffering=1)
lock = threading.Lock()


def context_for(name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1
    if name == "anonymous":
        context.set_ciphers("aNULL:@SECLEVEL=0")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(f"{directory}/{name}.pem", f"{directory}/{name}.served.key")
    limits = {"tls10": ssl.TLSVersion.TLSv1, "tls11": ssl.TLSVersion.TLSv1_1}
    if name in limits:
        context.maximum_version = limits[name]
    return context


def drain(tls):
    """Closing with something unread would reset the connection under the answer."""
    with contextlib.suppress(OSError):
        tls.settimeout(2)
        tls.shutdown(socket.SHUT_WR)
        while tls.recv(1000):
            pass


def serve(name, context, connection):
    outcome = "ok"
    try:
        connection.settimeout(20)
        with context.wrap_socket(connection, server_side=True) as tls:
            if tls.recv(1000):
                tls.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
                drain(tls)
    except OSError as error:
        outcome = getattr(error, "reason", None) or type(error).__name__
    with lock:
        log.write(f"{name} {outcome}\n")


selector = selectors.DefaultSelector()
names = sorted(os.path.basename(path)[: -len(".pem")] for path in glob.glob(f"{directory}/*.pem"))
with open(ports + ".new", "w") as listing:
    for name in [*names, "anonymous"]:
        listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        selector.register(listener, selectors.EVENT_READ, (name, context_for(name)))
        listing.write(f"{name} {listener.getsockname()[1]}\n")
os.rename(ports + ".new", ports)
while True:
    for ready, _ in selector.select():
        connection = ready.fileobj.accept()[0]
        threading.Thread(target=serve, args=(*ready.data, connection), daemon=True).start()
