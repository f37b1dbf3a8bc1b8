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
const STALL_MS = 5_000;

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

async function longestStall(
  body: Buffer,
  log: (line: string) => void,
): Promise<{ maxMs: number; p99Ms: number; perSecond: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  const repository = join(directory, 'models');
  const file = join(directory, 'loop-delay.json');
  writeModel(repository, 'max', CONFIG, maxModel());
  const preload = new URL('../lib/loop-delay.mjs', import.meta.url).href;
  const server = await nereidServer(repository, true, [], {
    NODE_OPTIONS: `--import=${preload}`,
    BENCH_LOOP_DELAY_FILE: file,
  });
  try {
    const load = {
      port: server.port,
      requestBase64: postRequest('/v2/models/max/infer', { 'Content-Type': 'application/json' }, body),
      connections: CLIENTS,
    };
    log(`${CLIENTS} clients for ${STALL_MS / 1000} s`);
    await runLoad({ ...load, warmUpMs: 1_000, measureMs: 0 });
    server.signal('SIGUSR2');
    const result = await runLoad({ ...load, warmUpMs: 0, measureMs: STALL_MS });
    server.signal('SIGUSR1');
    await delay(500);
    return {
      ...(JSON.parse(readFileSync(file, 'utf8')) as { maxMs: number; p99Ms: number }),
      perSecond: result.requests / result.seconds,
    };
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
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
  const stall = await longestStall(body, log);
  return {
    title: "The article's JSON body",
    columns: ['what', 'figure', 'aim'],
    rows: [
      { cells: ['JSON.parse and copy', `${result.medians.get('JSON.parse')!.toFixed(1)} ms`, ''] },
      { cells: ["Nereid's decoder", `${result.medians.get('nereid')!.toFixed(1)} ms`, ''] },
      { cells: ['ratio', ratioText(result.ratio), '≥ 3'] },
      {
        cells: [
          `longest hold of the event loop, ${CLIENTS} clients`,
          `${stall.maxMs.toFixed(1)} ms (p99 ${stall.p99Ms.toFixed(1)} ms)`,
          '≤ 5 ms',
        ],
      },
      { cells: ['requests per second meanwhile, server on one core', stall.perSecond.toFixed(0), ''] },
    ],
    notes: [
      `Body of ${body.length} bytes. The event loop's delay is measured inside the server by a timer of 1 ms, so about 1 ms of it is the timer itself.`,
    ],
  };
}

export const benchmark: Benchmark = { name: 'json/decode', run };
