"""Sub-interpreters use sockets before the main one does, beside it, and after others ended."""
import sys
import threading

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

CODE = r"""
import sys
sys.path.insert(0, %r)
from attempt import listening, outcome
listener = listening()
for _ in range(50):
    listener.settimeout(0)
    first = outcome(listener.accept)
    listener.setblocking(False)
    copy = listening()
    copy.settimeout(listener.gettimeout())
    second = outcome(copy.accept)
    copy.close()
sys.stdout.write(" ".join((%r, first, second)) + "\n")
sys.stdout.flush()
""".strip()


def run(label):
    interpreter = interpreters.create()
    failure = interpreters.run_string(interpreter, CODE % (sys.path[0], label))
    assert not failure, failure
    interpreters.destroy(interpreter)


run("first")
run("second")
exec(CODE % (sys.path[0], "main"))
threads = [threading.Thread(target=run, args=("thread",)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
run("last")
