"""The two sides that play sequences: CPython under the shim, and the live Jython in a single JVM."""
import json
import os
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'tests', 'conformance'))

import implementations                             # noqa: E402

LIMIT = 2.0                                        # seconds that one call may take


class Player(object):
    """A process that runs fuzz_player.py; several threads may ask it at once."""

    def __init__(self, command, environment, jobs, log):
        self.log = log
        self.process = subprocess.Popen([command, os.path.join(HERE, 'fuzz_player.py'), str(jobs)], env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(log, 'a'))
        self.lock = threading.Lock()
        self.next_id = 0
        self.waiting = {}                          # id -> (transcript so far, event)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            transcript, over = self.waiting.get(answer['id']) or ([], threading.Event())
            transcript.append(answer.get('out') or answer['end'])
            if 'end' in answer:
                over.set()
        for transcript, over in list(self.waiting.values()):
            transcript.append('GONE')
            over.set()

    def play(self, lines, ports, settle):
        """The outcomes of the lines; a last one more if the sequence did not come to its end."""
        transcript, over = [], threading.Event()
        with self.lock:
            self.next_id += 1
            number = self.next_id
            self.waiting[number] = transcript, over
            job = {'id': number, 'lines': lines, 'ports': ports, 'settle': settle, 'limit': LIMIT}
            try:
                self.process.stdin.write((json.dumps(job) + '\n').encode())
                self.process.stdin.flush()
            except BrokenPipeError:
                over.set()
        if not over.wait((LIMIT + 2) * (len(lines) + 2)) or self.process.poll() is not None:
            transcript.append('GONE')
        del self.waiting[number]
        if transcript and transcript[-1] == 'ok':
            return transcript[:-1]
        return transcript

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Ports(object):
    """Numbers below the ephemeral range that nobody uses, in turn."""

    def __init__(self, first, last):
        self.first, self.last, self.number = first, last, first + os.getpid() * 97 % (last - first)
        self.lock = threading.Lock()

    def take(self, count=3):
        with self.lock:
            found = []
            while len(found) < count:
                self.number = self.first if self.number >= self.last else self.number + 1
                if free(self.number):
                    found.append(self.number)
            return found


def free(port):
    import socket
    probes = [socket.socket(socket.AF_INET6, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    try:
        for probe in probes:
            probe.bind(('::', port))
        return True
    except OSError:
        return False
    finally:
        for probe in probes:
            probe.close()


class Side(object):
    """One implementation: players of their own for the threads that ask (CPython), or one for all (Jython)."""

    def __init__(self, start, shared, settle, ports):
        self.start, self.settle, self.ports = start, settle, ports
        self.players, self.lock, self.shared = {}, threading.Lock(), shared
        if shared:
            self.player()                          # the JVM takes its time

    def player(self):
        """The one that this thread asks; another in place of one that died."""
        key = None if self.shared else threading.get_ident()
        with self.lock:
            if key not in self.players or self.players[key].process.poll() is not None:
                self.players[key] = self.start()
            return self.players[key]

    def play(self, lines, careful=False):
        return self.player().play(lines, self.ports.take(), self.settle * (2 if careful else 1))

    def close(self):
        for player in self.players.values():
            player.close()


def jython_side(jobs, log):
    environment = implementations.jython_environment()
    return Side(lambda: Player(implementations.jython(), environment, jobs, log), True, 0.03, Ports(11000, 19999))


def shim_side(library, profile, log):
    environment = implementations.shim_environment(library, profile) if library else implementations.clean_environment()
    return Side(lambda: Player(implementations.PYTHON, environment, 1, log), False, 0.01, Ports(20000, 29999))
