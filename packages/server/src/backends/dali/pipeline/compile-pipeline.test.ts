import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DataNode } from '../builder/index.ts';
import { definePipeline, type OperatorFunctions } from '../builder/index.ts';
import { type PipelineDef, PipelineFormatError, readPipeline, writePipeline } from '../format/index.ts';
import { OPERATOR_TABLE } from '../operators/index.ts';
import { compilePipeline, inferOutputTypes } from './compile-pipeline.ts';
import { PipelineCompileError } from './errors.ts';

const define = (build: (fn: OperatorFunctions, x: DataNode) => DataNode): PipelineDef =>
  definePipeline({ batchSize: 4 }, (fn) => build(fn, fn.externalSource({ name: 'X', dtype: 'UINT8' })));
const compile = (pipeline: PipelineDef) => compilePipeline(pipeline, OPERATOR_TABLE);
const refuses = (pipeline: PipelineDef, text: RegExp) => assert.throws(() => compile(pipeline), { message: text });

test('old and new spellings of operators are the same', () => {
  const pipeline = define((fn, x) => fn.add(fn.decoders.image(x), 1));
  const spell = (from: string, to: string): PipelineDef => ({
    ...pipeline,
    ops: pipeline.ops.map((op) => ({ ...op, name: op.name === from ? to : op.name })),
  });
  for (const [from, to] of [
    ['ExternalSource', '_ExternalSource'],
    ['decoders__Image', 'ImageDecoder'],
    ['decoders__Image', 'experimental__decoders__Image'],
    ['ArithmeticGenericOp', '_ArithmeticGenericOp'],
  ] as const) {
    assert.equal(compile(spell(from, to)).steps.length, 2, to);
  }
});

test('external inputs of old files are sources', () => {
  const pipeline: PipelineDef = {
    numThreads: 4,
    batchSize: 8,
    deviceId: 0,
    seed: 0n,
    ops: [],
    externalInputs: ['es'],
    outputs: [{ name: 'es', device: 'cpu', isArgumentInput: false, argName: '', dtype: -1, ndim: -1, layout: '' }],
  };
  assert.deepEqual(
    compile(pipeline).sources.map((source) => source.name),
    ['es'],
  );
});

test('operators that are not supported are named with instance and place', () => {
  refuses(
    define((fn, x) => fn.operator('MelFilterBank', [x])),
    /^operator "MelFilterBank" \(instance "__MelFilterBank_1", number 1 of the pipeline\): the operator is not supported$/,
  );
  refuses(
    define((fn, x) => fn.operator('random__CoinFlip', [x])),
    /DALI's random number generator/,
  );
  refuses(
    define((fn, x) => fn.operator('ImageDecoderRandomCrop', [x])),
    /DALI's random number generator/,
  );
  refuses(
    define((fn, x) => fn.operator('decoders__Video', [x])),
    /on a GPU only/,
  );
  refuses(
    define((fn, x) => fn.operator('__proto__', [x])),
    /not supported/,
  );
});

test('arguments are checked when the model loads', () => {
  refuses(
    define((fn, x) => fn.resize(x, {})),
    /size must be given in one way/,
  );
  refuses(
    define((fn, x) => fn.resize(x, { resizeX: 3, resizeShorter: 3 })),
    /size must be given in one way/,
  );
  refuses(
    define((fn, x) => fn.operator('Cast', [x])),
    /argument "dtype" is missing/,
  );
  refuses(
    define((fn, x) => fn.operator('Cast', [x], { dtype: 'UINT8', axes: [1] })),
    /argument "axes" is not supported/,
  );
  refuses(
    define((fn, x) => fn.resize(x, { resizeX: 3, mode: 'sideways' as never })),
    /"mode" is "sideways" but must be one of "default"/,
  );
  refuses(
    define((fn, x) => fn.cropMirrorNormalize(x, { mean: [1, 2], std: [1, 2, 3] })),
    /"mean" has 2 elements and "std" 3/,
  );
  refuses(
    define((fn, x) => fn.operator('ArithmeticGenericOp', [x], { expressionDesc: 'add(&0 &1)' })),
    /uses input &1 of 1/,
  );
  refuses(
    define((fn, x) => fn.operator('ArithmeticGenericOp', [x], { expressionDesc: 'launch(&0)' })),
    /function "launch" is not supported/,
  );
  refuses(
    define((fn, x) => fn.operator('Transpose', [x], { perm: [0, 0] })),
    /not a permutation/,
  );
  refuses(
    define((fn) => fn.operator('Constant', [], { shape: [100_000, 100_000], fdata: [1] })),
    /too large/,
  );
});

test('tensors must exist, once', () => {
  const pipeline = define((fn, x) => fn.cast(x, { dtype: 'FLOAT' }));
  const [source, cast] = pipeline.ops;
  refuses({ ...pipeline, ops: [cast!, source!] }, /input tensor "X" is produced by no operator before it/);
  refuses({ ...pipeline, ops: [source!, cast!, cast!] }, /tensor "__Cast_1" is produced twice/);
  refuses({ ...pipeline, outputs: [{ ...pipeline.outputs[0]!, name: 'Y' }] }, /output "Y" is produced by no operator/);
  refuses({ ...pipeline, outputs: [] }, /no outputs/);
});

test('types are known before anything runs', () => {
  const types = (build: Parameters<typeof define>[0]) => inferOutputTypes(compile(define(build)), new Map());
  assert.deepEqual(
    types((fn, x) => fn.cropMirrorNormalize(fn.decoders.image(x), { dtype: 'FLOAT16' })),
    ['FLOAT16'],
  );
  assert.deepEqual(
    types((fn, x) => fn.fdiv(fn.transpose(x, { perm: [0] }), 255)),
    ['FLOAT'],
  );
  assert.deepEqual(
    types((fn, x) => fn.shapes(x)),
    ['INT64'],
  );
});

test('what no output needs does not run', () => {
  const { steps } = compile(
    define((fn, x) => {
      fn.decoders.image(x);
      return fn.cast(x, { dtype: 'FLOAT' });
    }),
  );
  assert.deepEqual(
    steps.map((step) => step.op.name),
    ['Cast'],
  );
});

test('a damaged file is refused with a typed error, or is a pipeline', () => {
  const whole = writePipeline(
    definePipeline({ batchSize: 4, outputs: [{ dtype: 'FLOAT', ndim: 3 }] }, (fn) => {
      const image = fn.decoders.image(fn.externalSource({ name: 'X', ndim: 1 }));
      const scaled = fn.resize(image, { size: fn.constant([4, 5], { dtype: 'FLOAT' }), mode: 'not_larger' });
      return fn.cropMirrorNormalize(fn.fdiv(fn.pad(scaled, { align: [8] }), 255), { mean: [1, 2, 3], std: [1, 2, 3] });
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }), (edits) => {
      const bytes = whole.slice();
      for (const [at, value] of edits) bytes[at] = value;
      try {
        const compiled = compile(readPipeline(bytes));
        inferOutputTypes(compiled, new Map());
      } catch (error) {
        assert.ok(error instanceof PipelineFormatError || error instanceof PipelineCompileError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
