"""TLS on sockets in every mode: wrap_socket copies the timeout of the socket it wraps.

Arguments: certificate and key of the server."""
import select
import socket
import ssl
import sys
import threading

from attempt import listening

server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server_context.load_cert_chain(*sys.argv[1:3])
client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client_context.check_hostname = False
client_context.load_verify_locations(sys.argv[1])


def serve(listener):
    with listener.accept()[0] as raw, server_context.wrap_socket(raw, server_side=True) as server:
        server.sendall(server.recv(100).upper())
        server.recv(1)


def served():
    listener = listening()
    thread = threading.Thread(target=serve, args=(listener,))
    thread.start()
    return listener.getsockname(), thread


def patiently(client, call, *args):
    """Wait with select, as non-blocking programs do."""
    while True:
        try:
            return call(*args)
        except ssl.SSLWantReadError:
            select.select([client], [], [])
        except ssl.SSLWantWriteError:
            select.select([], [client], [])


for text in "settimeout(None)", "settimeout(10)", "setblocking(False)":
    address, thread = served()
    raw = socket.create_connection(address)
    eval("raw." + text)
    with client_context.wrap_socket(raw, do_handshake_on_connect=False) as client:
        print(text, "gettimeout", client.gettimeout())
        patiently(client, client.do_handshake)
        patiently(client, client.sendall, b"hello")
        print(text, patiently(client, client.recv, 100))
        client.settimeout(10)
        client.unwrap()
    thread.join(10)

with listening() as silent, socket.create_connection(silent.getsockname()) as raw:
    for text in "settimeout(0)", "setblocking(False)":
        client = client_context.wrap_socket(raw.dup(), do_handshake_on_connect=False)
        eval("client." + text)
        try:
            client.do_handshake()
        except (socket.timeout, ssl.SSLWantReadError) as error:
            print(text, "gettimeout", client.gettimeout(), "handshake", type(error) is socket.timeout)
        client.close()
