/** A host for benchmarks, in a process of its own. `node host-process.ts OPTIONS` (JSON) prints its address; its log goes to standard error. */
import { createHost, type HostOptions } from '@nereid/hosting';

const host = createHost(JSON.parse(process.argv[2] ?? '{}') as HostOptions);
const { url } = await host.start();
process.stdout.write(`${url}\n`);
process.on('SIGTERM', () => {
  void host.stop().then(() => process.exit(0));
});
