"""asyncio: streams, datagrams, the sock_ calls and a subprocess."""
import asyncio
import socket
import sys


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, received):
        self.received = received

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.received.put_nowait(data)
        if data == b"ping":
            self.transport.sendto(b"pong", address)


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def streams():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print("start_server names its port:", port != 0)

    async def client(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        data = bytes([number]) * 300000
        writer.write(data)
        answer = await reader.readexactly(len(data))
        writer.close()
        return answer == data

    print("streams:", await asyncio.gather(*map(client, range(20))))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    writer.write_eof()
    try:
        print("half closed:", await asyncio.wait_for(reader.read(), 2))
    except asyncio.TimeoutError:
        print("half closed: timeout")
    writer.close()
    server.close()
    await server.wait_closed()


async def datagrams(loop):
    at_server, at_client = asyncio.Queue(), asyncio.Queue()
    server, _ = await loop.create_datagram_endpoint(lambda: Datagrams(at_server), ("127.0.0.1", 0))
    client, _ = await loop.create_datagram_endpoint(lambda: Datagrams(at_client),
                                                    remote_addr=server.get_extra_info("sockname"))
    client.sendto(b"ping")
    print("datagrams:", await at_server.get(), await at_client.get())
    client.close()
    server.close()


async def calls(loop):
    listener, client = socket.socket(), socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    for sock in listener, client:
        sock.setblocking(False)
    accepted = asyncio.ensure_future(loop.sock_accept(listener))
    await loop.sock_connect(client, listener.getsockname())
    server, _ = await accepted
    await loop.sock_sendall(client, b"hello")
    print("sock_ calls:", await loop.sock_recv(server, 100))
    try:
        await asyncio.wait_for(loop.sock_recv(server, 100), 0.01)
    except asyncio.TimeoutError:
        print("wait_for: timeout")


async def failures():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        await asyncio.start_server(echo, "127.0.0.1", port)
    except OSError as error:
        print("a second server:", error.errno)
    server.close()
    await server.wait_closed()
    try:
        reader, _ = await asyncio.open_connection("127.0.0.1", port)
        print("nobody listens: connected")
        print("and reads:", await reader.read())
    except OSError as error:
        print("nobody listens:", error.errno)


async def processes():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(input().upper())",
                                                   stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    print("subprocess:", (await process.communicate(b"hello\n"))[0])


async def main():
    loop = asyncio.get_running_loop()
    await streams()
    await datagrams(loop)
    await calls(loop)
    await failures()
    await processes()


asyncio.run(main())
