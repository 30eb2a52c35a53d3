"""Where two transcripts of a sequence first differ, and the shortest sequence that still differs there."""
import re

from fuzz_workers import implementations           # noqa: F401  puts tests/conformance on the path
import judge

CALL = re.compile(r'(?:\w+ = )?(?:\w+\.)?(\w+)\(')


class Difference(object):

    def __init__(self, lines, number, jython, shim):
        self.lines, self.number, self.jython, self.shim = lines, number, jython, shim
        self.call = CALL.match(lines[number]).group(1) if number < len(lines) else 'end'

    @property
    def cause(self):
        """The same for differences that probably have one cause: no matter which socket, port or buffer size."""
        jython, shim = self.jython, self.shim
        if self.call in ('ready', 'polled') and jython.startswith('ok') and shim.startswith('ok'):
            jython, shim = events(self.call, jython), events(self.call, shim)
            return self.call, kinds(jython - shim), kinds(shim - jython)
        return self.call, general(self.call, jython), general(self.call, shim)

    def __str__(self):
        return '%s => %s / %s' % ('; '.join(self.lines[:self.number + 1]), self.jython, self.shim)


def events(call, outcome):
    """{(socket, what it is ready for)}"""
    if call == 'polled':
        return set((name, kind) for name, found in re.findall(r'(\w+):([A-Z+]+)', outcome) for kind in found.split('+'))
    lists = re.findall(r'\(([\w,]*)\)', outcome)
    return set((name, kind) for names, kind in zip(lists, ('IN', 'OUT')) for name in names.split(',') if name)


def kinds(found):
    return '+'.join(sorted(set(kind for _, kind in found))) + ' more' if found else 'nothing more'


def general(call, outcome):
    if call == 'connect_ex' and re.match(r'ok:[1-9]', outcome):
        return 'ok:' + judge.errno_name(int(outcome[3:]))
    if call == 'getsockopt' and re.match(r'ok:\d{3}', outcome):
        return 'ok:SIZE'
    return re.sub(r'(any|lo)6?:(eph|P0|P1|DEAD)', r'\1:port', outcome)


def agree(call, jython, shim):
    if jython == shim:
        return True
    if shim.startswith(('HANG', 'CRASH', 'GONE')):
        return False
    return judge.judge({'id': 'random', 'op': call, 'out': jython}, shim) in ('match', 'accepted', None)


def first_difference(lines, jython, shim):
    """None if the transcripts are the same by the words of tests/conformance/judge.py."""
    for number in range(max(len(jython), len(shim))):
        wanted = jython[number] if number < len(jython) else 'ended'
        got = shim[number] if number < len(shim) else 'ended'
        found = Difference(lines, number, wanted, got)
        if not agree(found.call, wanted, got):
            return found
        if wanted == 'HANG':                       # what the shim does instead is its own affair
            return None
    return None


def shortest(found, differences):
    """Lines taken away as long as the cause stays; `differences` plays a list of sequences."""
    best = Difference(found.lines[:found.number + 1], found.number, found.jython, found.shim)
    size = 3
    while size:
        starts = range(len(best.lines) - 1 - size, -1, -1)
        tries = [best.lines[:start] + best.lines[start + size:] for start in starts]
        answers = [answer for answer in differences(tries) if answer and answer.cause == found.cause]
        if answers:
            best = answers[0]
            best = Difference(best.lines[:best.number + 1], best.number, best.jython, best.shim)
        else:
            size -= 1
    return best
