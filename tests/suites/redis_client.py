"""redis-py against a real redis-server: what a client library does with its sockets."""
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

import redis


class Redis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp()
        cls.path = os.path.join(cls.directory, "socket")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            cls.port = s.getsockname()[1]
        if not cls.port:  # as on Jython: the port is known only after listen
            with socket.create_server(("127.0.0.1", 0)) as s:
                cls.port = s.getsockname()[1]
        cls.server = subprocess.Popen(
            ["redis-server", "--port", str(cls.port), "--bind", "127.0.0.1", "--unixsocket", cls.path, "--save", ""],
            stdout=subprocess.PIPE, cwd=cls.directory)
        for line in cls.server.stdout:
            if b"ready to accept" in line.lower():
                break
        threading.Thread(target=cls.server.stdout.read, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()
        shutil.rmtree(cls.directory)

    def client(self, **options):
        client = redis.Redis(port=self.port, **options)
        self.addCleanup(client.close)
        return client

    def test_set_and_get(self):
        client = self.client()
        client.set("key", "value")
        self.assertEqual(client.get("key"), b"value")

    def test_large_values(self):
        client = self.client(socket_timeout=5)
        client.set("large", b"x" * 3000000)
        self.assertEqual(len(client.get("large")), 3000000)

    def test_keepalive_options(self):
        client = self.client(socket_keepalive=True, socket_keepalive_options={socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 5})
        self.assertTrue(client.ping())

    def test_pipeline(self):
        pipeline = self.client().pipeline()
        for i in range(100):
            pipeline.incr("counter")
        self.assertEqual(pipeline.execute()[-1], 100)

    def test_publish_and_subscribe(self):
        client = self.client()
        channel = client.pubsub()
        self.addCleanup(channel.close)
        channel.subscribe("news")
        self.assertEqual(channel.get_message(timeout=5)["type"], "subscribe")
        client.publish("news", "hello")
        self.assertEqual(channel.get_message(timeout=5)["data"], b"hello")
        self.assertIsNone(channel.get_message(timeout=0))

    def test_blocking_pop_times_out(self):
        self.assertIsNone(self.client().blpop("nothing", timeout=1))

    def test_a_short_timeout_is_an_error(self):
        with self.assertRaises(redis.TimeoutError):
            self.client(socket_timeout=0.05).blpop("nothing", timeout=3)

    def test_unix_socket(self):
        client = redis.Redis(unix_socket_path=self.path)
        self.addCleanup(client.close)
        self.assertTrue(client.ping())

    def test_a_dead_connection_is_noticed(self):
        client = self.client()
        client.ping()
        number = client.client_id()
        self.client().client_kill_filter(_id=number)
        self.assertTrue(client.ping())

    def test_connection_refused(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        with self.assertRaises(redis.ConnectionError):
            redis.Redis(port=port).ping()
