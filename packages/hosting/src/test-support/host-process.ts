/** A host in a process of its own, for tests that kill it. Its options are the first argument, as JSON; it prints its address. */
import { createHost, type HostOptions } from '../index.ts';

const host = createHost(JSON.parse(process.argv[2] ?? '{}') as HostOptions);
const { url } = await host.start();
process.stdout.write(`${url}\n`);
process.on('SIGTERM', () => {
  void host.stop().then(() => process.exit(0));
});
