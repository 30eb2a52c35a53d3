"""pytest under jythonsock: which test does what would not work on Jython?

    pytest -p pytest_jythonsock --jythonsock ...

(with the directory of this file on PYTHONPATH).  pytest starts itself once more
under `jythonsock run`, observing unless told otherwise; workers of xdist inherit
that.  Findings are attached to the test that caused them (section "jythonsock",
user property of that name), and listed at the end.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

MARK = "JYTHONSOCK_PYTEST"  # set: this pytest is the one under the launcher


def pytest_addoption(parser):
    group = parser.getgroup("jythonsock")
    group.addoption("--jythonsock", action="store_true", help="run under jythonsock, and tell what Jython would do otherwise")
    group.addoption(
        "--jythonsock-args",
        default="--observe",
        metavar="ARGS",
        help="options of `jythonsock run` (default: %(default)s), e.g. '--profile 2.7 --fail-on any'",
    )


def find_launcher():
    here = os.path.dirname(os.path.realpath(__file__))
    for path in (os.path.join(here, "jythonsock"), os.path.join(here, "..", "..", "bin", "jythonsock")):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return os.path.realpath(path)
    return shutil.which("jythonsock")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    if not config.getoption("--jythonsock") or MARK in os.environ or hasattr(config, "workerinput"):
        return None
    launcher = find_launcher()
    if not launcher:
        raise pytest.UsageError("jythonsock is not installed")
    arguments = shlex.split(config.getoption("--jythonsock-args"))
    if not {"--format", "--output"} & set(arguments):  # we print the findings ourselves
        arguments += ["--format", "summary", "--output", os.devnull]
    command = [launcher, "run", "-q"] + arguments + ["--", sys.executable, "-m", "pytest"] + list(config.invocation_params.args)
    os.environ[MARK] = "1"
    os.environ["JYTHONSOCK_BY_TEST"] = "1"
    os.chdir(str(config.invocation_params.dir))
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(launcher, command)


def pytest_configure(config):
    report = os.environ.get("JYTHONSOCK_REPORT")
    if MARK in os.environ and report:
        config.pluginmanager.register(Findings(report), "jythonsock-findings")


def describe(finding):
    place = "%s:%s" % (finding.get("file", finding.get("module")), finding.get("line", finding.get("offset")))
    what = " ".join(filter(None, [finding["call"], finding.get("arguments")]))
    return "%s: %s: %s [%s]" % (place, what, finding["jython"], finding["rule"])


def is_noise(finding):
    """What CPython does for itself: the same as is_noise of findings.jq."""
    frames = [re.sub(r"[0-9]+ ", "", frame.split("/")[-1]) for frame in finding.get("stack", [])[:2]]
    if any(re.match(r"ssl\.py:(_create|__init__)$", frame) for frame in frames) and frames[0] != "ssl.py:do_handshake":
        return True
    return frames[:1] == ["socket.py:__repr__"] or any(a.endswith(" PyErr_ResourceWarning") for a in finding.get("return_addresses", []))


class Findings:
    """Reads what the report has gained since the last test."""

    def __init__(self, path):
        self.path = path
        self.offset = 0

    def new(self):
        try:
            with open(self.path, "rb") as report:
                report.seek(self.offset)
                lines = report.readlines()
        except OSError:
            return
        for line in lines:
            if not line.endswith(b"\n"):  # another process is at it
                return
            self.offset += len(line)
            try:
                record = json.loads(line.decode("utf-8", "replace"))
            except ValueError:
                continue
            if "rule" in record and not is_noise(record):
                yield record

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        report = outcome.get_result()
        name = "%s (%s)" % (item.nodeid, call.when)
        found = [describe(finding) for finding in self.new() if finding.get("test") == name]
        if found:
            report.sections.append(("jythonsock", "\n".join(found)))
            item.user_properties.extend(("jythonsock", text) for text in found)  # for the report of its teardown

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter, config):
        if hasattr(config, "workerinput"):
            return
        environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD" and name != "JYTHONSOCK_REPORT"}
        text = subprocess.run([find_launcher(), "report", "text", self.path], env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True).stdout
        terminalreporter.section("jythonsock", sep="=")
        terminalreporter.write(text or "nothing found that would not work on Jython\n")
