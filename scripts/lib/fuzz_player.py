"""Plays sequences (fuzz_runtime.py) as they arrive on standard input, one JSON object a line:

    {"id": 7, "lines": [...], "ports": [p0, p1, dead], "settle": 0.03, "limit": 2.0}

Answers {"id": 7, "out": OUTCOME} for each line and {"id": 7, "end": "ok" | "HANG" | "CRASH:SIGNAL"}. On CPython each sequence
has a process of its own, one after the other; on Jython a thread, and JOBS (first argument) of them run at once.
"""
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fuzz_runtime                               # noqa: E402

LOCK = threading.Lock()


def say(answer):
    text = (json.dumps(answer) + '\n').encode('ascii')
    with LOCK:
        os.write(1, text) if not fuzz_runtime.JYTHON else (sys.stdout.write(text), sys.stdout.flush())


class Play(object):
    """One sequence under way."""

    def __init__(self, job):
        self.job = job
        self.sequence = fuzz_runtime.Sequence(job['ports'], job['settle'])
        self.started = None          # when the line in progress was
        self.over = False            # nothing more is to be said
        self.lock = threading.Lock()

    def end(self, how):
        with self.lock:
            if not self.over:
                self.over = True
                say({'id': self.job['id'], 'end': how})

    def run(self, on_line=lambda: None):
        for line in self.job['lines']:
            self.started = time.time()
            on_line()
            outcome = self.sequence.run(line)
            with self.lock:
                if self.over:
                    return
                say({'id': self.job['id'], 'out': outcome})
        self.started = None
        self.sequence.close()
        self.end('ok')


def daemon(target):
    thread = threading.Thread(target=target)
    thread.setDaemon(True)
    thread.start()
    return thread


class EventLoops(object):
    """Jython 2.7.3 leaks the event loops of listeners, a dozen descriptors each; here they end with their sequence."""

    def __init__(self):
        import _socket
        self.create, self.made = _socket.NioEventLoopGroup, threading.local()
        _socket.NioEventLoopGroup = self

    def __call__(self, *arguments):
        group = self.create(*arguments)
        getattr(self.made, 'groups', []).append(group)
        return group

    def of_this_thread(self):
        self.made.groups = []
        return self.made.groups

    @staticmethod
    def end(groups):
        from java.util.concurrent import TimeUnit
        for group in groups:
            group.shutdownGracefully(0, 100, TimeUnit.MILLISECONDS)


def play_in_thread(job):
    play, groups = Play(job), []

    def run():
        groups.append(LOOPS.of_this_thread())
        play.run()
    try:
        watch(play, daemon(run), job)
    finally:
        EventLoops.end(sum(groups, []))


def watch(play, thread, job):
    while thread.is_alive():
        thread.join(0.05)
        if play.started and time.time() - play.started > job['limit']:
            play.end('HANG')
            daemon(play.sequence.close).join(1)
            return


def play_in_child(job):
    import signal
    pid = os.fork()
    if pid == 0:
        play = Play(job)

        def hang(*_):
            play.over or say({'id': job['id'], 'end': 'HANG'})
            os._exit(0)
        signal.signal(signal.SIGALRM, hang)
        play.run(lambda: signal.setitimer(signal.ITIMER_REAL, job['limit']))
        os._exit(0)
    # A child that never comes back to its interpreter hangs as well.
    killed = []
    signal.signal(signal.SIGALRM, lambda *_: (killed.append(1), os.kill(pid, signal.SIGKILL)))
    signal.setitimer(signal.ITIMER_REAL, (job['limit'] + 0.5) * (len(job['lines']) + 1))
    _, status = os.waitpid(pid, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    if killed:
        say({'id': job['id'], 'end': 'HANG'})
    elif os.WIFSIGNALED(status):
        say({'id': job['id'], 'end': 'CRASH:%d' % os.WTERMSIG(status)})


def next_job():
    with LOCK_IN:
        line = sys.stdin.readline()
    return json.loads(line) if line else None


LOCK_IN = threading.Lock()


def serve(play):
    job = next_job()
    while job:
        play(job)
        job = next_job()


def main():
    if not fuzz_runtime.JYTHON:
        serve(play_in_child)
    else:
        import java.lang
        global LOOPS
        LOOPS = EventLoops()
        threads = [daemon(lambda: serve(play_in_thread)) for _ in range(int(sys.argv[1]))]
        for thread in threads:
            thread.join()
        java.lang.Runtime.getRuntime().halt(0)    # never wait for abandoned threads


main()
