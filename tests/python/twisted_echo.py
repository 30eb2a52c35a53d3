"""Twisted: an echo server and clients over TCP, and UDP, in one reactor."""
from twisted.internet import defer, endpoints, error, protocol, reactor, task


class Echo(protocol.Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


class Client(protocol.Protocol):
    def __init__(self, size):
        self.size, self.received, self.done = size, 0, defer.Deferred()

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)
        self.transport.write(b"x" * self.size)

    def dataReceived(self, data):
        self.received += len(data)
        if self.received == self.size:
            self.transport.loseConnection()

    def connectionLost(self, reason):
        self.done.callback((self.received, reason.check(error.ConnectionDone) is not None))


class Datagrams(protocol.DatagramProtocol):
    def __init__(self):
        self.received = defer.Deferred()

    def datagramReceived(self, data, address):
        if data == b"ping":
            self.transport.write(b"pong", address)
        if not self.received.called:
            self.received.callback(data)


@defer.inlineCallbacks
def main(reactor):
    port = yield endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
        protocol.Factory.forProtocol(Echo))
    number = port.getHost().port
    print("listens on a port:", number != 0)
    for size in 5, 1000000:
        client = Client(size)
        endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", number, timeout=10)
        yield endpoints.connectProtocol(endpoint, client)
        print("echo:", (yield client.done))
    yield port.stopListening()
    try:
        yield endpoints.connectProtocol(endpoint, Client(1))
    except error.ConnectError as refused:
        print("closed port:", type(refused).__name__)
    server, client = Datagrams(), Datagrams()
    at = reactor.listenUDP(0, server, interface="127.0.0.1")
    sender = reactor.listenUDP(0, client, interface="127.0.0.1")
    sender.write(b"ping", ("127.0.0.1", at.getHost().port))
    print("datagrams:", (yield server.received), (yield client.received))
    yield defer.gatherResults([defer.maybeDeferred(each.stopListening) for each in (at, sender)])


task.react(lambda _: main(reactor))
