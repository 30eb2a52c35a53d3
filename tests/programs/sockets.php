<?php
// PHP's stream sockets: server and client, a timeout, refusal, UDP.
$server = stream_socket_server('tcp://127.0.0.1:0', $number, $error);
$name = stream_socket_get_name($server, false);
echo 'port ', explode(':', $name)[1] == '0' ? 'zero' : 'real', "\n";
$client = stream_socket_client("tcp://$name", $number, $error, 5);
$accepted = stream_socket_accept($server, 5);
fwrite($client, "hello\n");
echo 'server got ', fgets($accepted);
fwrite($accepted, "back\n");
echo 'client got ', fgets($client);
stream_set_timeout($client, 0, 10000);
fread($client, 10);
echo 'timed out ', json_encode(stream_get_meta_data($client)['timed_out']), "\n";
echo 'port in use ', json_encode(@stream_socket_server("tcp://$name", $number, $error)), "\n";
fclose($server);
$refused = @stream_socket_client("tcp://$name", $number, $error, 5);
echo 'refused ', json_encode($refused), " $number $error\n";
$udp = stream_socket_server('udp://127.0.0.1:0', $number, $error, STREAM_SERVER_BIND);
$sender = stream_socket_client('udp://' . stream_socket_get_name($udp, false));
fwrite($sender, 'datagram');
echo stream_socket_recvfrom($udp, 100, 0, $peer), ' from ';
echo $peer == stream_socket_get_name($sender, false) ? 'the sender' : 'elsewhere', "\n";
echo 'shutdown of UDP ', json_encode(@stream_socket_shutdown($udp, STREAM_SHUT_RDWR)), "\n";
