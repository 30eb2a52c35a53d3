"""requests and urllib3 against a server of the standard library."""
import http.server
import socket
import threading
import unittest

import requests
import urllib3


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"x" * int(self.path.strip("/") or 5)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Http(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/" % self.server.socket.getsockname()[1]
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def test_get(self):
        self.assertEqual(requests.get(self.url).text, "xxxxx")

    def test_session_keeps_the_connection(self):
        with requests.Session() as session:
            for i in range(20):
                self.assertEqual(session.get(self.url + str(i + 1)).content, b"x" * (i + 1))

    def test_large_post(self):
        body = b"y" * 2000000
        self.assertEqual(requests.post(self.url, data=body).content, body)

    def test_timeout(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            with self.assertRaises(requests.Timeout):
                requests.get("http://127.0.0.1:%d/" % silent.getsockname()[1], timeout=0.2)

    def test_socket_options(self):
        options = urllib3.connection.HTTPConnection.default_socket_options + [
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 20)]
        with urllib3.PoolManager(socket_options=options) as pool:
            self.assertEqual(pool.request("GET", self.url).status, 200)

    def test_pool_finds_a_dropped_connection(self):
        with urllib3.PoolManager(maxsize=2) as pool:
            for i in range(5):
                self.assertEqual(pool.request("GET", self.url, headers={"Connection": "close"}).status, 200)

    def test_refused(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        with self.assertRaises(requests.ConnectionError):
            requests.get("http://127.0.0.1:%d/" % port)
