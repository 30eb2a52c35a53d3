"""client.py WAY: reads "NAME PORT" lines, says "NAME ok" or "NAME fail: why" for
each.  WAY: none (CERT_NONE), default (create_default_context with anchors/*.pem,
its own CA file), asyncio (CERT_NONE)."""
import asyncio
import os
import socket
import ssl
import sys

way = sys.argv[1]
context = ssl.create_default_context()
if way != "default":
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
elif len(sys.argv) > 2:
    context.load_verify_locations(sys.argv[2])


def blocking(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with context.wrap_socket(connection, server_hostname="localhost") as tls:
            tls.sendall(b"x")
            return tls.recv(1)


async def streams(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    writer.write(b"x")
    answer = await reader.read(1)
    writer.close()
    return answer


for line in sys.stdin:
    name, port = line.split()
    try:
        answer = asyncio.run(streams(int(port))) if way == "asyncio" else blocking(int(port))
        print(name, "ok" if answer else "fail: closed")
    except OSError as error:
        print(name, f"fail: {type(error).__name__}: {error}")
