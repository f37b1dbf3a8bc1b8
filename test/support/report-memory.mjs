// Loaded into a server by `--import`: at SIGUSR2 it collects garbage and writes what memory is left, as one line of JSON on stderr.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

process.on('SIGUSR2', () => {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  const { rss, heapUsed } = process.memoryUsage();
  process.stderr.write(`${JSON.stringify({ memory: { rss, heapUsed } })}\n`);
});
