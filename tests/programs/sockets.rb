# Ruby's TCPServer, TCPSocket, Socket.tcp, Net::HTTP and UDPSocket.
require 'socket'
require 'net/http'

$stdout.sync = true

def attempt(label)
  puts "#{label}: #{yield}"
rescue SystemCallError => error
  puts "#{label}: #{error.class}"
end

server = TCPServer.new('127.0.0.1', 0)
port = server.addr[1]
puts "real port: #{port != 0}"
thread = Thread.new do
  3.times do
    client = server.accept
    client.print "HTTP/1.0 200 OK\r\n\r\ngot #{client.gets}"
    client.close
  end
end
[-> { TCPSocket.new('127.0.0.1', port) }, -> { Socket.tcp('127.0.0.1', port, connect_timeout: 5) }].each do |connect|
  socket = connect.call
  socket.puts 'hello'
  puts socket.read.lines.last
  socket.close
end
puts Net::HTTP.get(URI("http://127.0.0.1:#{port}/page"))
thread.join
attempt('a second server') { TCPServer.new('127.0.0.1', port) && 'listens' }
attempt('SO_REUSEPORT') { server.setsockopt(:SOCKET, :REUSEPORT, 1) }
server.close
attempt('closed port') { TCPSocket.new('127.0.0.1', port) }
receiver = UDPSocket.new
receiver.bind('127.0.0.1', 0)
sender = UDPSocket.new
sender.connect('127.0.0.1', receiver.addr[1])
sender.send('datagram', 0)
data, from = receiver.recvfrom(100)
puts "#{data} #{from[1] == sender.addr[1]}"
attempt('second connect') { sender.connect('127.0.0.1', receiver.addr[1]) }
