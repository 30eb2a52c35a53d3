#!/usr/bin/env python3
"""Merge transcripts of several runs into a recording.

    record.py NAME TRANSCRIPT...     writes recorded/NAME.jsonl.gz

A step that varied keeps its commonest outcome, and the others as `alt`; a scenario that the runs lack keeps what
the recording had.
"""
import collections
import gzip
import json
import os
import sys

import implementations


def outcomes(step):
    return [step['out']] + step.get('alt', [])


def merged(steps):
    """One step of several runs, older recording last."""
    counts = collections.Counter(step['out'] for step in steps)
    first = counts.most_common(1)[0][0]
    alt = sorted(set(out for step in steps for out in outcomes(step)) - set([first]))
    step = dict(next(step for step in steps if step['out'] == first))
    step.pop('alt', None)
    return dict(step, alt=alt) if alt else step


def main(name, *transcripts):
    sources = []
    for path in transcripts:
        with open(path) as lines:
            sources.append(dict(((s['id'], s['n']), s) for s in map(json.loads, lines)))
    if os.path.exists(implementations.recording(name)):
        sources.append(implementations.recorded(name))
    order = collections.OrderedDict((key[0], None) for source in sources for key in source)
    steps = collections.defaultdict(list)
    for source in sources:
        for key, step in source.items():
            steps[key].append(step)
    rank = dict((scenario, i) for i, scenario in enumerate(order))
    # No time stamp and no name inside: the same transcripts make the same file.
    with open(implementations.recording(name), 'wb') as raw, gzip.GzipFile('', 'wb', 9, raw, 0) as out:
        for key in sorted(steps, key=lambda key: (rank[key[0]], key[1])):
            out.write((json.dumps(merged(steps[key]), sort_keys=True) + '\n').encode())


if __name__ == '__main__':
    main(*sys.argv[1:])
