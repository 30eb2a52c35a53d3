#!/usr/bin/env python3
"""Score CPython under the shim against Jython, scenario by scenario.

The reference is what was recorded of Jython, or with --live what the installed Jython does now. Deviating steps are
those that plain CPython gets wrong: the shim exists to reproduce them. On all others it must not break what agrees.
"""
import argparse
import collections
import json
import os
import re
import signal
import sys

import implementations
import rules
from explained import Explanations
from judge import judge

ROOT = os.path.dirname(os.path.dirname(implementations.HERE))
TIMES = ['imm', '~1ms', '~10ms', '~50ms', '~100ms', '~250ms', '~1s', 'long']

Row = collections.namedtuple('Row', 'step outcome verdict rule')


class Score(object):
    def __init__(self):
        self.counts = collections.Counter()

    def add(self, verdict):
        self.counts[verdict] += 1

    @property
    def total(self):
        return sum(self.counts.values())

    @property
    def percent(self):
        good = self.counts['match'] + self.counts['accepted']
        return 100.0 * good / self.total if self.total else 100.0

    def line(self, name):
        c = self.counts
        return '%-34s %6d %7d %9d %9d %9d %8.2f%%' % (
            name, self.total, c['match'], c['accepted'], c['rejected'], c['mismatch'], self.percent)


def scored(rows):
    score = Score()
    for row in rows:
        score.add(row.verdict)
    return score


HEADER = '%-34s %6s %7s %9s %9s %9s %9s' % (
    'steps', 'total', 'match', 'accepted', 'rejected', 'mismatch', 'score')


def is_bad(verdict):
    return verdict in ('mismatch', 'rejected')


def compare(records, reference, plain):
    """A Row for each step that counts, of the scenarios that were run; `rule` names the deviation, if it is one."""
    actual = dict(((r['id'], r['n']), r) for r in records)
    selected = set(r['id'] for r in records)
    rows = []
    for key, step in reference.items():
        if key[0] not in selected:
            continue
        outcome = actual[key]['out'] if key in actual else 'no such step'
        verdict = judge(step, outcome)
        if verdict is None:
            continue
        unshimmed = plain.get(key)
        deviates = is_bad(judge(step, unshimmed['out'] if unshimmed else 'no such step'))
        rows.append(Row(step, outcome, verdict, rules.rule_of(step, unshimmed) if deviates else None))
    return rows


def timing(records, reference):
    """(steps whose time class is two or more off, steps that have one)"""
    pairs = [(record, reference.get((record['id'], record['n']), {})) for record in records if 't' in record]
    pairs = [(record, step) for record, step in pairs if 't' in step]
    return [(record, step) for record, step in pairs
            if abs(TIMES.index(record['t']) - TIMES.index(step['t'])) > 1], len(pairs)


def by_rule(rows):
    groups = collections.defaultdict(list)
    for row in rows:
        if row.rule:
            groups[row.rule].append(row)
    return dict((rule, scored(group)) for rule, group in groups.items())


def summary(rows):
    """The four figures that the floors are about."""
    scores = by_rule(rows)
    return {'all': scored(rows).percent,
            'deviating': scored(row for row in rows if row.rule).percent,
            'agreeing': scored(row for row in rows if not row.rule).percent,
            'rules': sum(score.percent for score in scores.values()) / max(len(scores), 1)}


def text_of(row):
    return '%s|%s => %s / %s' % (row.step['id'], row.step['op'], row.step['out'], row.outcome)


def report(rows, records, reference, explanations, args):
    print(HEADER)
    print(scored(rows).line('all'))
    print(scored(row for row in rows if row.rule).line('deviating (to be reproduced)'))
    print(scored(row for row in rows if not row.rule).line('agreeing (not to be broken)'))
    scores = by_rule(rows)
    print('mean over the %d rules: %.2f%%' % (len(scores), summary(rows)['rules']))
    late, timed = timing(records, reference)
    print('time classes that differ: %d of %d' % (len(late), timed))
    bad = [row for row in rows if is_bad(row.verdict) and args.rule in (None, row.rule)]
    print('explained in differences.tsv: %d of %d bad steps' % (
        sum(bool(explanations.reason(text_of(row))) for row in bad), len(bad)))
    if not args.list:
        return
    print('\nby rule')
    for name, score in sorted(scores.items()):
        print(score.line('  ' + name))
    print('\n%d of %d bad steps (+ deviating, ! broken agreement, = explained)' % (min(args.list, len(bad)), len(bad)))
    for row in bad[:args.list]:
        mark = '=' if explanations.reason(text_of(row)) else '+' if row.rule else '!'
        print('%s %-22s %-50s %-24s Jython %-28s shim %s' % (
            mark, row.rule or '', '%s#%d' % (row.step['id'], row.step['n']), row.step['op'],
            '/'.join([row.step['out']] + row.step.get('alt', [])), row.outcome))
    for record, step in late[:args.list]:
        print('t %s#%d %s: Jython %s, shim %s' % (record['id'], record['n'], record['op'], step['t'], record['t']))


def live_reference(args, recorded):
    """What the installed Jython does now; a step that the recording saw vary keeps all that was seen."""
    # One JVM at a time, and not one for all: Jython leaks descriptors with each listener.
    steps = implementations.run(implementations.jython(), implementations.jython_environment(), args.match, args.every,
                                parts=1 if args.match or args.every > 1 else 4, together=1)
    if args.save_live:
        with open(args.save_live, 'w') as out:
            out.writelines(json.dumps(step, sort_keys=True) + '\n' for step in steps)
    reference, changed = {}, []
    for step in steps:
        key = (step['id'], step['n'])
        known = recorded.get(key)
        outcomes = [known['out']] + known.get('alt', []) if known else []
        if step['out'] not in outcomes:
            changed.append((step, outcomes))
        reference[key] = dict(step, alt=[out for out in outcomes if out != step['out']])
    print('live Jython: %d steps, %d not as recorded' % (len(steps), len(changed)))
    for step, outcomes in changed[:args.list]:
        print('  %s#%d %s: recorded %s, now %s' % (
            step['id'], step['n'], step['op'], '/'.join(outcomes) or 'nothing', step['out']))
    return reference


def run_again(records, reference, plain, environment):
    """Another try, alone, of the scenarios with bad steps: on a busy machine some race. The better of the two counts."""
    def bad(steps):
        return collections.Counter(row.step['id'] for row in compare(steps, reference, plain) if is_bad(row.verdict))
    before = bad(records)
    if not before or len(before) > 200:
        return records
    tried = implementations.run(implementations.PYTHON, environment, '^(?:%s)$' % '|'.join(map(re.escape, before)), parts=1)
    after = bad(tried)
    better = set(scenario for scenario in before if after[scenario] < before[scenario])
    return [step for step in records if step['id'] not in better] + [step for step in tried if step['id'] in better]


def arguments():
    parser = argparse.ArgumentParser(prog='scripts/conformance', description=__doc__.split('\n')[0])
    parser.add_argument('--profile', choices=sorted(implementations.PROFILES), default='2.7')
    parser.add_argument('--live', action='store_true', help='against the installed Jython (profile 2.7)')
    parser.add_argument('--library', default=os.environ.get(
        'JYTHONSOCK_LIBRARY', os.path.join(ROOT, 'build', 'libjythonsock.so')))
    parser.add_argument('--baseline', action='store_true', help='plain CPython, nothing preloaded')
    parser.add_argument('--match', default='', metavar='RE', help='only scenarios whose id matches')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='only every Nth scenario')
    parser.add_argument('--again', type=int, default=2, metavar='N', help='so many more tries for scenarios with bad steps')
    parser.add_argument('--list', type=int, default=0, metavar='N', help='show N bad steps')
    parser.add_argument('--rule', help='list only the bad steps of this rule')
    parser.add_argument('--save', metavar='FILE', help='write our transcript here')
    parser.add_argument('--save-live', metavar='FILE', help="write the live Jython's transcript here")
    parser.add_argument('--json', metavar='FILE', help='write the figures here')
    for figure in ('deviating', 'agreeing', 'rules'):
        parser.add_argument('--%s-floor' % figure, type=float, default=0.0, metavar='PERCENT',
                            help='status 1 when this figure is lower')
    args = parser.parse_args()
    if not args.baseline and not os.path.exists(args.library):
        parser.error('no such file: ' + args.library)
    if args.live and args.profile != '2.7':
        parser.error('only profile 2.7 has a Jython that can run; 2.5.3 is recorded')
    if args.live and not implementations.jython():
        parser.error(implementations.JYTHON_MISSING)
    return args


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)     # `| head` ends it quietly
    args = arguments()
    reference = implementations.recorded(implementations.PROFILES[args.profile])
    if args.live:
        reference = live_reference(args, reference)
    environment = implementations.clean_environment() if args.baseline else implementations.shim_environment(
        args.library, args.profile)
    plain = implementations.recorded('cpython')
    records = implementations.run(implementations.PYTHON, environment, args.match, args.every)
    for _ in range(args.again):
        records = run_again(records, reference, plain, environment)
    if args.save:
        with open(args.save, 'w') as out:
            out.writelines(json.dumps(record, sort_keys=True) + '\n' for record in records)
    rows = compare(records, reference, plain)
    report(rows, records, reference, Explanations(args.profile), args)
    figures = summary(rows)
    if args.json:
        with open(args.json, 'w') as out:
            json.dump(dict(figures, profile=args.profile, steps=len(rows)), out)
    low = ['%s %.2f%%, floor %g%%' % (figure, figures[figure], getattr(args, figure + '_floor'))
           for figure in ('deviating', 'agreeing', 'rules') if figures[figure] < getattr(args, figure + '_floor')]
    for line in low:
        print('too low: ' + line)
    sys.exit(bool(low))


if __name__ == '__main__':
    main()
