"""A server class on port 0: which port does it name before it listens?"""
import http.client
import http.server
import socket
import socketserver
import sys
import threading


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.request.recv(100))


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


def ask_echo(port):
    with socket.create_connection(("localhost", port)) as client:
        client.sendall(b"hello")
        return client.recv(100).decode()


def ask_page(port):
    client = http.client.HTTPConnection("localhost", port)
    client.request("GET", "/")
    return client.getresponse().read().decode()


if sys.argv[1] == "http":
    server, ask = http.server.HTTPServer(("localhost", 0), Page), ask_page
    print("server_port is zero:", server.server_port == 0)
else:
    server, ask = socketserver.TCPServer(("localhost", 0), Echo), ask_echo
print("server_address names port zero:", server.server_address[1] == 0)
port = server.socket.getsockname()[1]
print("listening on a real port:", port != 0)
threading.Thread(target=server.serve_forever, args=(0.01,)).start()
print("answered:", ask(port))
server.shutdown()
server.server_close()
