"""http.client, urllib, xmlrpc and selectors with threads: the clients of the standard library."""
import http.client
import http.server
import selectors
import socket
import threading
import urllib.error
import urllib.request
import xmlrpc.client
import xmlrpc.server


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b"page " + self.path.encode(), 404 if self.path == "/missing" else 200)

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"]))[::-1])

    def log_message(self, *_):
        pass


def serving(server):
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server.socket.getsockname()[1]


web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
port = serving(web)
client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
for path in "/one", "/two":
    client.request("GET", path)
    print("http.client:", client.getresponse().read())
client.close()
url = "http://127.0.0.1:%d/" % port
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print("urllib:", opener.open(url, timeout=10).read(), opener.open(url, b"x" * 200000 + b"y", timeout=10).read()[:3])
try:
    opener.open(url + "missing")
except urllib.error.HTTPError as error:
    print("urllib:", error.code, error.read())
web.shutdown()
web.server_close()
try:
    opener.open(url)
except urllib.error.URLError as error:
    print("urllib:", error.reason)

rpc = xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False)
rpc.register_function(pow)
with xmlrpc.client.ServerProxy("http://127.0.0.1:%d/" % serving(rpc)) as proxy:
    print("xmlrpc:", [proxy.pow(2, power) for power in range(5)])
rpc.shutdown()

selector = selectors.DefaultSelector()
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
listener.setblocking(False)
selector.register(listener, selectors.EVENT_READ)
client = socket.create_connection(listener.getsockname())
client.sendall(b"hello")
received = None
while received is None:
    for key, _ in selector.select(10):
        if key.fileobj is listener:
            connection = listener.accept()[0]
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ)
        else:
            received = key.fileobj.recv(100)
print("selectors:", received)
