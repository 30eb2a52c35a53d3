"""Says whether a step did what Jython did.

Verdict of a step
    match      same normalised outcome (or one of those a varying recording saw)
    accepted   Java-only outcome (AssertionError, unmapped exception, missing
               constant...), and what was done instead is sensible
    rejected   Java-only outcome, and it is not
    mismatch   a representable outcome that differs
    None       out of a C library's reach, or undefined: not counted
"""
import re

from outcomes import errno_name

# --- what a C shim cannot or need not do -----------------------------------

# (regex on "id|op", reason).  CPython decides these before or after libc.
OUT_OF_REACH = [
    (r'/recv-0\.', 'CPython 3 answers recv(0) itself'),
    (r'\|gettimeout', 'timeouts live in the Python object'),
    (r'\|is None$', 'timeouts live in the Python object'),
    (r'^timeout/(gettimeout|setblocking|negative|default)', 'timeouts live in the Python object'),
    (r'^flow/(dup-shares-timeout|accept-inherits-(timeout|nonblocking))', 'Python object'),
    (r'^nb/.*\|accepted mode$', 'Python object'),
    (r'^family/(attributes|absent-apis)', 'attributes of the Python module'),
    (r'^address/(bad-shapes|bad-ports|unknown-host)', 'argument checks and name lookup'),
    (r'bind-ip6-literal|^ip6/v[46]-address-on', 'name lookup refuses the literal first'),
    (r'\|tuple length$', 'shape of the address tuple'),
    (r'^select/(bad-objects|fileno-types|cpython-compatible|stdin|duplicates)', 'argument checks'),
    (r'^(select|poll)/closed', 'CPython refuses descriptor -1 itself'),
    (r'^poll/absent-apis', 'attributes of the Python module'),
    (r'SO_TIMEOUT|^option-value/so-timeout', 'constant known to Jython only'),
    (r'^flow/(recv-flags-peek|oob)', 'no flags in Jython'),
    (r'\|set (short|int)$', 'SO_LINGER argument shapes'),
]
OUT_OF_REACH = [(re.compile(pattern), why) for pattern, why in OUT_OF_REACH]

# connect() and connect_ex() are one call to libc but behave differently on
# Jython, so no shim can satisfy both: on "id|op|golden|actual" the outcome that
# the other one asks for is accepted.
ONE_CALL = re.compile(
    r'\|connect[^_|]*\|ok\|error:EINPROGRESS$'
    r'|^(tcp/(fresh|bound0|boundp)/connect[^|]*\.n|nb/connect-[^|]*|timeout/connect-[^|]*)'
    r'\|connect( 0|-refused)?\|ok\|error:EISCONN$'
    r'|(\.[bt]|blocking-connect_ex|timeout-connect_ex)\|connect_ex[^|]*\|error:EISCONN\|ok(:0)?$')

_CREATION = {'EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT', 'EPROTOTYPE', 'EINVAL',
             'EPFNOSUPPORT', 'EOPNOTSUPP'}
_STATE = {'EINVAL', 'EISCONN', 'EOPNOTSUPP', 'EADDRINUSE', 'EALREADY', 'EDESTADDRREQ',
          'ENOTCONN', 'EBADF', 'EPIPE'}
_OPTION = {'ENOPROTOOPT', 'EOPNOTSUPP', 'EINVAL'}


def canonical(op, outcome):
    """What the C library did, whichever way Python shows it."""
    if 'connect_ex' in op:                # returns or raises the same errno
        code = re.match(r'ok:([1-9]\d*)$', outcome)
        if code:
            outcome = 'error:' + errno_name(int(code.group(1)))
        if outcome in ('timeout', 'error:EAGAIN', 'error:ETIMEDOUT'):
            outcome = 'timeout'           # whatever Python makes of its own timeout
    if 'sendall' in op and re.match(r'ok:\d+$', outcome):
        outcome = 'ok'                    # 2.5.3 returns the length
    return outcome


def is_error(outcome):
    return outcome.startswith(('error:', 'gaierror', 'exc:', 'timeout'))


def acceptable(gold, key):
    """None if `gold` is representable in C, else a predicate on outcomes.

    A predicate returning None means: undefined, do not count the step."""
    op = key.split('|')[-1]

    def errno_in(allowed):
        return lambda out: out.startswith('error:') and out[6:] in allowed
    if gold in ('HANG', 'skip') or gold.startswith(('CRASH', 'failed:')):
        return lambda out: None
    if gold.startswith('noconst:'):
        if gold.startswith('noconst:MSG_'):
            return lambda out: None
        allowed = errno_in(_CREATION if gold.startswith('noconst:AF_') else _OPTION)
        return lambda out: None if out.startswith('noconst:') else allowed(out)
    if gold.startswith('exc:AssertionError'):
        return errno_in(_CREATION if key.startswith('family/') else _STATE)
    if gold == 'exc:AttributeError' and re.match(r'send(all|to)', op):
        return lambda out: None           # 2.5.3: UDP has no sendall, TCP no sendto
    if gold.startswith(('unmapped:', 'java:', 'exc:')) or gold == 'error:ESOCKISBLOCKING':
        return is_error
    if gold == 'ok:None':                 # 2.5.3: an option nobody has set yet
        return lambda out: out.startswith('ok')
    if gold.startswith('ok:any6:'):       # the JVM's dual-stack wildcard
        return lambda out: out == gold.replace('any6', 'any', 1)
    if gold.endswith(':-1'):              # name of a closed java.net.Socket
        return lambda out: None
    if gold == 'error:EGETADDRINFOFAILED':
        return lambda out: out == 'gaierror'
    return None


def judge(step, outcome):
    """Verdict of `outcome` against a golden step; None when not counted."""
    key = '%s|%s' % (step['id'], step['op'])
    if any(pattern.search(key) for pattern, _ in OUT_OF_REACH):
        return None
    wanted = [canonical(step['op'], gold) for gold in [step['out']] + step.get('alt', [])]
    outcome = canonical(step['op'], outcome)
    if outcome in wanted:
        return 'match'
    if any(ONE_CALL.search('%s|%s|%s' % (key, gold, outcome)) for gold in wanted):
        return 'accepted'
    predicates = [acceptable(gold, key) for gold in wanted]
    if all(p is None for p in predicates):
        return 'mismatch'
    answers = [p(outcome) for p in predicates if p is not None]
    if any(answer is None for answer in answers):
        return None
    return 'accepted' if any(answers) else 'rejected'


TIME_ORDER = ['imm', '~1ms', '~10ms', '~50ms', '~100ms', '~250ms', '~1s', 'long']


def timing_differs(step, record):
    if 't' not in step or 't' not in record:
        return False
    return abs(TIME_ORDER.index(step['t']) - TIME_ORDER.index(record['t'])) > 1
