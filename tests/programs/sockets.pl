# IO::Socket: a TCP server in a child, clients without and with a timeout, UDP.
use strict;
use warnings;
use IO::Socket::INET;

$| = 1;
my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die "listen: $!";
print 'port ', ($listener->sockport > 0 ? 'real' : 'zero'), "\n";
my $child = fork // die "fork: $!";
if (!$child) {
    for (1 .. 2) {
        my $client = $listener->accept or die "accept: $!";
        while (my $line = <$client>) { print $client uc $line }
    }
    exit 0;
}
for my $timeout ([], [Timeout => 5]) {
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport, @$timeout)
        or die "connect: $@";
    print $client "hello\n";
    print 'answer ', scalar <$client>;
    print 'peer ', $client->peerhost, "\n";
    $client->close;
}
waitpid $child, 0;
print "child $?\n";
my $udp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp') or die "bind: $!";
my $sender = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $udp->sockport, Proto => 'udp') or die $@;
$sender->send('datagram');
my $from = $udp->recv(my $data, 100);
print "$data from ", (sockaddr_in($from))[0] == $sender->sockport ? 'the sender' : 'elsewhere', "\n";
my $port = $listener->sockport;
$listener->close;
print IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) ? 'connected' : "refused: $!", "\n";
print 'shutdown of UDP: ', ($udp->shutdown(2) ? 'done' : "$!"), "\n";
print 'SO_REUSEPORT: ', (setsockopt($udp, SOL_SOCKET, SO_REUSEPORT, 1) ? 'set' : "$!"), "\n";
