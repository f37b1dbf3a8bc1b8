import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { InferRequestDecoder } from '@nereid/protocol';
import { maxModel, writeModel } from '../lib/models.ts';
import { nereidServer } from '../lib/nereid-server.ts';
import { postRequest, runLoad } from '../lib/process.ts';
import { type Benchmark, type BenchReport, ratioText } from '../lib/report.ts';
import { alternate } from '../lib/rounds.ts';

/** Bytes of the article's picture; as Python's json.dumps prints them the body is about 2.6 MB. */
const PICTURE_BYTES = 576_464;
const ROUNDS = 15;
const CLIENTS = 8;
const HOLD_MS = 5_000;

const CONFIG = `name: "max"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [ { name: "INPUT" data_type: TYPE_UINT8 dims: [ -1 ] } ]
output [ { name: "OUTPUT" data_type: TYPE_UINT8 dims: [ 1 ] } ]
`;

/** The article's request body: a picture as a nested list of numbers. Compressed pictures look like noise, so noise stands for one. */
function articleBody(): Buffer {
  let state = 1;
  const numbers = Array.from({ length: PICTURE_BYTES }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) & 0xff;
  });
  const input = `{"name": "INPUT", "shape": [1, ${PICTURE_BYTES}], "datatype": "UINT8", "data": [[${numbers.join(', ')}]]}`;
  return Buffer.from(`{"inputs": [${input}]}`);
}

interface ParsedBody {
  readonly inputs: readonly { readonly data: readonly (readonly number[])[] }[];
}

function withJsonParse(body: Buffer): Uint8Array {
  const parsed = JSON.parse(body.toString('utf8')) as ParsedBody;
  return Uint8Array.from(parsed.inputs[0]!.data[0]!);
}

interface Figure {
  readonly maxMs: number;
  readonly p99Ms: number;
}

/** Times between two looks of a timer of 1 ms inside the server. */
interface Holds {
  /** By the clock: what a request may wait. */
  readonly wall: Figure;
  /** CPU time of the main thread: what its own work takes. */
  readonly cpu: Figure;
  readonly perSecond: number;
}

async function measureHolds(body: Buffer, pinned: boolean, log: (line: string) => void): Promise<Holds> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  const repository = join(directory, 'models');
  const file = join(directory, 'loop-hold.json');
  writeModel(repository, 'max', CONFIG, maxModel());
  const preload = new URL('../lib/loop-hold.mjs', import.meta.url).href;
  const server = await nereidServer(repository, pinned, [], {
    NODE_OPTIONS: `--import=${preload}`,
    BENCH_LOOP_HOLD_FILE: file,
  });
  try {
    const load = {
      port: server.port,
      requestBase64: postRequest('/v2/models/max/infer', { 'Content-Type': 'application/json' }, body),
      connections: CLIENTS,
    };
    log(`${CLIENTS} clients for ${HOLD_MS / 1000} s, server ${where(pinned)}`);
    await runLoad({ ...load, warmUpMs: 1_000, measureMs: 0 }, pinned);
    server.signal('SIGUSR2');
    const result = await runLoad({ ...load, warmUpMs: 0, measureMs: HOLD_MS }, pinned);
    server.signal('SIGUSR1');
    await delay(500);
    const { wall, cpu } = JSON.parse(readFileSync(file, 'utf8')) as { wall: Figure; cpu: Figure };
    return { wall, cpu, perSecond: result.requests / result.seconds };
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function where(pinned: boolean): string {
  return pinned ? 'on one core' : 'on every core';
}

function holdRows(holds: Holds, pinned: boolean): { cells: string[] }[] {
  const text = ({ maxMs, p99Ms }: Figure) => `${maxMs.toFixed(1)} ms (p99 ${p99Ms.toFixed(1)} ms)`;
  return [
    { cells: [`longest hold by the main thread's own work, server ${where(pinned)}`, text(holds.cpu), '≤ 5 ms'] },
    { cells: [`the same by the clock, waiting for a core included, server ${where(pinned)}`, text(holds.wall), ''] },
    { cells: [`requests per second meanwhile, server ${where(pinned)}`, holds.perSecond.toFixed(0), ''] },
  ];
}

async function run(log: (line: string) => void): Promise<BenchReport> {
  const body = articleBody();
  const decoder = new InferRequestDecoder({
    maxInputBytes: 64 * 2 ** 20,
    sharedMemory: () => {
      throw new Error('no shared memory here');
    },
  });
  const decode = () => decoder.decode({ bytes: body, jsonLength: body.length, modelName: 'max' }).inputs[0]!.data;
  if (Buffer.compare(withJsonParse(body), decode()) !== 0) throw new Error('the two decoders disagree');
  const timed = (name: string, work: () => unknown) => ({
    name,
    measure: () => {
      const start = performance.now();
      work();
      return performance.now() - start;
    },
  });
  log(`decoding ${body.length} bytes`);
  const result = await alternate(
    timed('JSON.parse', () => withJsonParse(body)),
    timed('nereid', decode),
    ROUNDS,
  );
  const pinned = await measureHolds(body, true, log);
  const free = await measureHolds(body, false, log);
  return {
    title: "The article's JSON body",
    columns: ['what', 'figure', 'aim'],
    rows: [
      { cells: ['JSON.parse and copy', `${result.medians.get('JSON.parse')!.toFixed(1)} ms`, ''] },
      { cells: ["Nereid's decoder", `${result.medians.get('nereid')!.toFixed(1)} ms`, ''] },
      { cells: ['ratio', ratioText(result.ratio), '≥ 3'] },
      ...holdRows(pinned, true),
      ...holdRows(free, false),
    ],
    notes: [
      `Body of ${body.length} bytes, ${CLIENTS} clients. Inside the server a timer of 1 ms looks at the clock and at the CPU time of the main thread: the most CPU time between two looks is the longest hold by our own work and at most 1 ms of other turns. What the clock shows more is time in which the thread had no core: other threads of the server (garbage collection, models), the kernel's network, other processes.`,
    ],
  };
}

export const benchmark: Benchmark = { name: 'json/decode', run };
