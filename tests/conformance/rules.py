"""Names of the deviations, to group deviating steps.

A rule is the first whose pattern is found in "id|op|golden <- plain CPython".
"""
import re

RULES = [
    ('former-channels', r'^anew/'),
    ('getpeername-remembered', r'\|getpeername[^|]*\|ok:[^|]* <- error:ENOTCONN'),
    # -- creation and addresses
    ('socket-family', r'^family/'),
    ('getsockname-unbound', r'\|getsockname[^|]*\|error:(EINVAL|ENOTCONN) <- ok:any6?:(0|eph)'),
    ('getsockname-unbound', r'^tcp/[^|]*\|getsockname\|error:ENOTCONN <- ok:any:'),
    ('bind-deferred', r'second-loopback'),
    ('address-java-errors', r'^address/|connect-port0|sendto-port0|^ip6/(bind-any|v4-mapped)|^nb/connect-self-port0'),
    ('foreign-address-errno', r'bind-foreign[^|]*\|bind-foreign\||^flow/foreign-bind'),
    # -- options
    ('option-no-constant', r'\|noconst:'),
    ('option-late-failure', r'\|(listen|connect|bind|sendto|settimeout)\|error:ENOPROTOOPT'),
    ('option-unsupported', r'\|error:ENOPROTOOPT'),
    ('option-bufsize-not-doubled', r'\|ok:=asked <- ok:=2x'),
    ('option-bufsize-limits', r'^option-value/SO_(RCV|SND)BUF'),
    ('option-default-unset', r'\|get default\|ok:0'),
    ('option-linger', r'linger|LINGER'),
    ('option-reuse-lost', r'SO_REUSEADDR: |REUSEADDR.*\|ok:0 <- ok:1'),
    ('option-pending', r'^option|get-error|get-reuse|SO_ERROR'),
    ('accept-inherits', r'^flow/accept-inherits'),
    # -- shutdown
    ('shutdown-invalid-how', r'\|shutdown-(99|neg)\|'),
    ('shutdown-noop-server', r'^shutdown/listening|^ip6/shutdown|(select|poll)/listening-shut|/listening[^|]*shutdown'),
    ('shutdown-noop-udp', r'^shutdown/udp|^udp/.*\|shutdown-|^udp-flow/shutdown'),
    ('shutdown-client', r'^shutdown/|/shut-(rd|wr|rdwr)|\|shutdown'),
    # -- select and poll
    ('select-blocking-socket', r'error:ESOCKISBLOCKING'),
    ('select-not-a-socket', r'^select/(pipe|file)|(select|poll)/closed'),
    ('select-unready-socket', r'^(select|poll)/(fresh|bound|udp-fresh)'),
    ('poll-no-err-hup', r'^poll/.*(ERR|HUP)'),
    ('select-other', r'^(select|poll)/'),
    # -- after a failed connect
    ('failed-connect-closes', r'/refused(-bound)?/|connect(_ex)?-refused[^|]*\|get|after-refused|refused-then|connect_ex-poll-refused|connect-poll-refused'),
    ('connect-pending', r'^tcp/connecting/|connect-pending|poll-pending|connect_ex pending'),
    # -- bind
    ('bind-deferred', r'(bind|busy|shared|names)[^|]*\|[^|]*\|(ok|error:EADDRINUSE|java:BindException)[^|]* <- (error:EADDR|ok)'),
    ('bind-deferred', r'\|(getsockname)[^|]*\|ok:[^|]*:(0|busy|shared)'),
    ('bind-deferred', r'/bound-busy/|busy'),
    ('bind-twice', r'\|bind[^|]*\|(exc:AssertionError|ok) <- error:EINVAL|/bind-[^|]*\|getsockname'),
    ('bind-twice', r'\|bind'),
    # -- listen, accept
    ('listen-backlog', r'backlog|listen-(0|neg)'),
    ('listen-again', r'\|listen|/listen-'),
    ('server-socket-io', r'/listening(-pending)?/|\|accept'),
    # -- connect
    ('udp-connect-once', r'^udp.*\|connect|^udp.*/(connect)[^|]*\||^udp-flow/reconnect'),
    ('connect_ex-result', r'^(nb|select|poll)/[^|]*\|connect_ex|/(fresh|bound0|boundp)/connect_ex'),
    ('connect-again', r'\|connect[^|]*\|(exc:AssertionError|ok)'),
    ('connect_ex-result', r'connect_ex'),
    ('connect-again', r'^tcp/(connected|accepted)[^|]*connect'),
    ('remote-close-errno', r'^flow/fill|data/recv'),
    # -- transfers
    ('udp-port-unreachable', r'^udp.*dead'),
    ('udp-sendto-connected', r'^udp.*\|sendto[^|]*\|(error:EISCONN|unmapped:IllegalArgument)'),
    ('udp-broadcast', r'broadcast'),
    ('udp-errno', r'^udp'),
    ('tcp-sendto-missing', r'sendto'),
    ('send-unconnected', r'\|send(all)?\|error:ENOTCONN'),
    ('remote-close-errno', r'remote-close|foreign-(eof|rst|hello)|peer-(eof|rst)|close-listener'),
    ('timeouts', r'^timeout/'),
]
RULES = [(name, re.compile(pattern)) for name, pattern in RULES]


def rule_of(step, plain):
    text = '%s|%s|%s <- %s' % (step['id'], step['op'], step['out'], plain['out'] if plain else '')
    for name, pattern in RULES:
        if pattern.search(text):
            return name
    return 'other'
