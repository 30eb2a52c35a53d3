"""Run scenarios and write one JSON transcript line per step.

    PYTHON run_scenarios.py OUT [--part I/N] [--match REGEX] [--every K]

Needs CONF_PORTS in the environment (see implementations.Peer).
"""
import os
import re
import sys


def main(argv):
    out, args = argv[0], argv[1:]
    part, count, pattern, every = 0, 1, '', 1
    while args:
        name, value = args[0], args[1]
        args = args[2:]
        if name == '--part':
            part, count = [int(x) for x in value.split('/')]
        elif name == '--match':
            pattern = value
        elif name == '--every':
            every = int(value)
        else:
            raise SystemExit('unknown argument ' + name)
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import harness
    import scenarios                              # noqa: F401
    selected = [s for s in harness.SCENARIOS if re.search(pattern, s[0])][::every]
    selected = [s for i, s in enumerate(selected) if i * count // max(len(selected), 1) == part]
    harness.run_selected(selected, out)
    sys.stdout.flush()
    os._exit(0)          # never wait for abandoned threads


if __name__ == '__main__':
    main(sys.argv[1:])
