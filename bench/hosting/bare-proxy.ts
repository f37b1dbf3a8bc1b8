/** The limit of the invocation benchmark: a `node:http` proxy that does nothing but pass a request on. `node bare-proxy.ts PORT` prints its own port. */
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

const agent = new Agent({ keepAlive: true, maxFreeSockets: 64 });
const target = { agent, host: '127.0.0.1', port: Number(process.argv[2]), method: 'POST', path: '/invocations' };

const server = createServer((incoming, response) => {
  const headers = {
    'content-type': incoming.headers['content-type'],
    'content-length': incoming.headers['content-length'],
  };
  const call = request({ ...target, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, {
      'content-type': answer.headers['content-type'],
      'content-length': answer.headers['content-length'],
    });
    answer.pipe(response);
  });
  incoming.pipe(call);
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`));
