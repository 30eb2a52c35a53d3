// Node's HTTP server and client, keep-alive, a port in use, IPv6 by default, UDP.
const http = require('http');
const dgram = require('dgram');
const { once } = require('events');

const serve = async (answer, ...where) => {
  const server = http.createServer(answer);
  server.listen(...where);
  await once(server, 'listening');
  return server;
};

const ask = (port, options, body) => new Promise((resolve) => {
  const request = http.request({ host: '127.0.0.1', port, ...options }, (response) => {
    let text = '';
    response.on('data', (data) => { text += data; });
    response.on('end', () => resolve(text));
  });
  request.on('error', (error) => resolve(error.code));
  request.end(body);
});

const echo = (request, response) => {
  let length = 0;
  request.on('data', (data) => { length += data.length; });
  request.on('end', () => response.end(`${request.method} ${request.url} ${length}`));
};

const main = async () => {
  const server = await serve(echo, 0, '127.0.0.1');
  const { port } = server.address();
  console.log('real port:', port !== 0);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const answers = await Promise.all([...Array(50).keys()].map((path) => ask(port, { path: `/${path}`, agent })));
  console.log(answers.join(', '));
  console.log(await ask(port, { method: 'POST', path: '/post', agent }, 'x'.repeat(300000)));
  agent.destroy();

  const second = http.createServer();
  console.log('second server:', await new Promise((resolve) => {
    second.on('error', (error) => resolve(`${error.code} ${error.syscall}`));
    second.listen(port, '127.0.0.1', () => resolve('listens'));
  }));
  second.close();
  server.close();
  await once(server, 'close');
  console.log('closed server:', await ask(port, { path: '/' }));

  const anywhere = await serve(echo, 0);
  console.log('default family:', anywhere.address().family, await ask(anywhere.address().port, { path: '/' }));
  anywhere.close();

  const udp = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  udp.send('ping', udp.address().port, '127.0.0.1');
  const [data, from] = await once(udp, 'message');
  console.log('datagram:', String(data), from.port === udp.address().port);
  udp.close();
};

main();
