/** The lower limit of the invocation benchmark: bytes from socket to socket, read by nobody. `node bare-pipe.ts PORT` prints its own port. */
import { type AddressInfo, connect, createServer } from 'node:net';

const target = { host: '127.0.0.1', port: Number(process.argv[2]), noDelay: true };

const server = createServer({ noDelay: true }, (client) => {
  const instance = connect(target);
  client.on('data', (chunk) => instance.write(chunk)).on('error', () => instance.destroy());
  instance.on('data', (chunk) => client.write(chunk)).on('error', () => client.destroy());
  client.on('close', () => instance.destroy());
  instance.on('close', () => client.destroy());
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`));
