"""How each implementation is started, and what was recorded of it. Jython 2.5.3 is known by its recording only."""
import concurrent.futures
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROFILES = {'2.5.3': 'jython-2.5.3', '2.7': 'jython-2.7.3'}
PYTHON = os.environ.get('PYTHON', '/usr/bin/python3')
JYTHON_MISSING = 'jython is not installed (Debian: apt-get install jython)'


def jython():
    """The command, or None; JYTHON= names another than the one on the PATH."""
    return shutil.which(os.environ.get('JYTHON') or 'jython')


def clean_environment():
    return dict((name, value) for name, value in os.environ.items()
                if name != 'LD_PRELOAD' and not name.startswith('JYTHONSOCK_'))


def jython_environment():
    """Of a JVM that is cheap to start: most of its time would go into compilers and collectors."""
    return dict(clean_environment(), JDK_JAVA_OPTIONS='-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx2g')


def shim_environment(library, profile):
    """Of a program under the shim."""
    environment = clean_environment()
    environment.update(LD_PRELOAD=os.path.abspath(library), JYTHONSOCK_PROFILE=profile)
    return environment


class Peer(object):
    """The foreign-peer process (peer.py); use as a context manager."""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, 'peer.py')],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment())
        self.ports = json.loads(self.process.stdout.readline().decode())
        return self

    def __exit__(self, *exc):
        self.process.stdin.close()
        self.process.wait(5)


def recording(name):
    return os.path.join(HERE, 'recorded', name + '.jsonl.gz')


def recorded(name):
    """{(scenario id, step number): step} of a recording."""
    with gzip.open(recording(name), 'rt') as lines:
        return dict(((step['id'], step['n']), step) for step in map(json.loads, lines))


def run(command, environment, match='', every=1, parts=4, together=4, timeout=1800):
    """The transcript of the scenarios, run in so many processes, so many of them at a time."""
    width = 18000 // parts
    with concurrent.futures.ThreadPoolExecutor(together) as pool:
        done = [pool.submit(run_part, command, dict(environment, CONF_RANGE='%d-%d' % (
            11000 + part * width, 11000 + part * width + width - 1)), part, parts, match, every, timeout)
            for part in range(parts)]
    return [step for part in done for step in part.result()]


def run_part(command, environment, part, parts, match, every, timeout):
    environment.update(PYTHONDONTWRITEBYTECODE='1', PYTHONHASHSEED='0')
    with Peer() as peer, tempfile.TemporaryDirectory() as folder:
        environment['CONF_PORTS'] = json.dumps(peer.ports)
        out = os.path.join(folder, 'transcript')
        result = subprocess.run(
            [command, os.path.join(HERE, 'run_scenarios.py'), out, '--part', '%d/%d' % (part, parts), '--match', match,
             '--every', str(every)],
            env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=timeout)
        if result.returncode:
            sys.exit('%s: status %d: %s' % (command, result.returncode, result.stderr.decode('utf-8', 'replace')[-600:]))
        with open(out) as lines:
            return [json.loads(line) for line in lines]
