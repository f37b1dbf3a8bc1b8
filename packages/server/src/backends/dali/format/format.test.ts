import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Argument, type PipelineDef, PipelineFormatError } from './pipeline-def.ts';
import { PIPELINE_LIMITS, readPipeline } from './read-pipeline.ts';
import { WireWriter } from './wire-writer.ts';
import { writePipeline } from './write-pipeline.ts';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const argumentOf = (depth: number): fc.Arbitrary<Argument> =>
  fc.record({
    name: text,
    type: fc.constantFrom('int64', 'float', 'string', 'bool'),
    floats: fc.array(fc.float({ noNaN: true }), { maxLength: 3 }),
    ints: fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 3 }),
    strings: fc.array(text, { maxLength: 2 }),
    bools: fc.array(fc.boolean(), { maxLength: 2 }),
    extraArgs: depth === 0 ? fc.constant([]) : fc.array(argumentOf(depth - 1), { maxLength: 3 }),
    isVector: fc.boolean(),
  });
const tensor = fc.record({
  name: text,
  device: fc.constantFrom('cpu', 'gpu'),
  isArgumentInput: fc.constant(true),
  argName: text,
  dtype: fc.integer({ min: -1, max: 12 }),
  ndim: fc.integer({ min: -1, max: 5 }),
  layout: fc.constantFrom('', 'HWC'),
});
const pipelines: fc.Arbitrary<PipelineDef> = fc.record({
  numThreads: int32,
  batchSize: int32,
  deviceId: int32,
  seed: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  ops: fc.array(
    fc.record({
      name: text,
      inputs: fc.array(tensor, { maxLength: 2 }),
      outputs: fc.array(tensor, { maxLength: 2 }),
      args: fc.array(argumentOf(2), { maxLength: 3 }),
      instanceName: text,
      logicalId: fc.integer({ min: -1, max: 100 }),
    }),
    { maxLength: 3 },
  ),
  externalInputs: fc.array(text, { maxLength: 2 }),
  outputs: fc.array(tensor, { maxLength: 2 }),
});

test('what is written is read back', () => {
  fc.assert(
    fc.property(pipelines, (pipeline) => {
      // Records of fast-check have no prototype.
      assert.deepEqual(readPipeline(writePipeline(pipeline)), structuredClone(pipeline));
    }),
  );
});

test('a file cut or damaged anywhere is read or refused with an offset inside it', () => {
  fc.assert(
    fc.property(
      pipelines,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { maxLength: 4 }),
      (pipeline, cut, edits) => {
        const whole = writePipeline(pipeline);
        const bytes = whole.slice(0, Math.floor(whole.length * cut));
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        try {
          readPipeline(bytes);
        } catch (error) {
          assert.ok(error instanceof PipelineFormatError, String(error));
          assert.ok(error.offset >= 0 && error.offset <= bytes.length);
        }
      },
    ),
    { numRuns: 500 },
  );
});

/** A file with one operator that has one argument, written field by field. */
function fileWith(argument: (writer: WireWriter) => void): Uint8Array {
  const writer = new WireWriter();
  writer.varint(2, 8);
  writer.message(5, (op) => {
    op.string(1, 'Op');
    op.message(4, argument);
  });
  return writer.finish();
}

test('repeated numbers may be packed', () => {
  const packed = fileWith((writer) => {
    writer.string(1, 'shape');
    writer.bytes(4, Uint8Array.of(3, 0xac, 0x02));
    writer.bytes(3, new Uint8Array(Float32Array.of(0.5, -2).buffer));
    writer.varint(8, false);
  });
  const [argument] = readPipeline(packed).ops[0]!.args;
  assert.deepEqual(argument!.ints, [3n, 300n]);
  assert.deepEqual(argument!.floats, [0.5, -2]);
});

test('unknown fields of every kind are passed over', () => {
  const writer = new WireWriter();
  writer.varint(2, 8);
  writer.varint(11, 3);
  writer.float(200, 1);
  writer.string(201, 'later');
  const group = Uint8Array.of(0xd3, 0x06, 0x08, 0x01, 0xd4, 0x06);
  const fixed64 = Uint8Array.of(0xd9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8);
  assert.equal(readPipeline(Buffer.concat([writer.finish(), group, fixed64])).batchSize, 8);
});

test('defaults of the schema apply', () => {
  const { numThreads, deviceId, seed, ops } = readPipeline(fileWith((writer) => writer.string(1, 'x')));
  assert.deepEqual([numThreads, deviceId, seed], [4, 0, -1n]);
  assert.equal(ops[0]!.logicalId, -1);
});

test('broken files are refused with what is wrong and where', () => {
  const refuses = (bytes: Uint8Array, text: RegExp) =>
    assert.throws(() => readPipeline(bytes), { name: 'PipelineFormatError', message: text });
  refuses(new Uint8Array(0), /batch_size is missing at byte 0/);
  refuses(
    Uint8Array.of(0x2a, 0xff, 0xff, 0xff, 0xff, 0x0f),
    /length 4294967295 runs past the end of its message \(0 bytes left\) at byte 6/,
  );
  refuses(Uint8Array.of(0x10), /truncated varint at byte 1/);
  refuses(Buffer.alloc(11, 0xff), /varint of more than ten bytes/);
  refuses(Uint8Array.of(0x00), /field number 0 is out of range/);
  refuses(Uint8Array.of(0x10, 8, 0x2a, 0), /operator without the required field name/);
  refuses(Uint8Array.of(0x10, 8, 0x2a, 3, 0x0a, 1, 0xff), /not UTF-8 at byte 6/);
  refuses(Buffer.from('<html><body>Not found</body></html>'), /at byte/);
  refuses(Buffer.concat(Array<Buffer>(40).fill(Buffer.from([0xd3, 0x06]))), /groups nested deeper than/);
});

test('limits hold: nesting and number of operators', () => {
  const nested =
    (depth: number) =>
    (writer: WireWriter): void => {
      writer.string(1, 'x');
      if (depth > 0) writer.message(7, nested(depth - 1));
    };
  assert.throws(() => readPipeline(fileWith(nested(PIPELINE_LIMITS.maxArgumentDepth + 1))), /nested deeper/);
  const writer = new WireWriter();
  for (let i = 0; i <= PIPELINE_LIMITS.maxOps; i++) writer.message(5, (op) => op.string(1, 'x'));
  assert.throws(() => readPipeline(writer.finish()), /more than 10000 operators/);
});
