// A process of its own that loads the model it reads. Prints what became of it and the most memory it took, as JSON.
import { buffer } from 'node:stream/consumers';
import { OnnxRuntime } from '../index.ts';

const runtime = new OnnxRuntime({ intraOpThreads: 1 });
let error: string | undefined;
try {
  await runtime.load(new Uint8Array(await buffer(process.stdin)));
} catch (thrown) {
  error = String(thrown);
}
console.log(JSON.stringify({ error, residentBytes: process.resourceUsage().maxRSS * 1024 }));
await runtime.close();
