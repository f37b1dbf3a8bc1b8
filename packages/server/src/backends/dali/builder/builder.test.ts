import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPipeline, writePipeline } from '../format/index.ts';
import { definePipeline } from './define-pipeline.ts';

test('a pipeline is written with the names, devices and argument types that DALI gives them', () => {
  const pipeline = definePipeline({ batchSize: 3, numThreads: 1, outputs: [{ dtype: 'FLOAT', ndim: 3 }] }, (fn) => {
    const encoded = fn.externalSource({ name: 'DALI_INPUT_0' });
    const images = fn.decoders.image(encoded, { device: 'mixed', outputType: 'RGB' });
    const resized = fn.resize(images, { resizeX: 299, resizeY: 299 });
    return fn.cropMirrorNormalize(resized, { dtype: 'FLOAT', outputLayout: 'HWC', crop: [299, 299] });
  });
  const { ops, outputs, numThreads, batchSize } = readPipeline(writePipeline(pipeline));
  assert.deepEqual([numThreads, batchSize], [1, 3]);
  assert.deepEqual(
    ops.map((op) => [
      op.name,
      op.instanceName,
      op.inputs.map((input) => `${input.name}@${input.device}`).join(),
      `${op.outputs[0]!.name}@${op.outputs[0]!.device}`,
    ]),
    [
      ['ExternalSource', 'DALI_INPUT_0', '', 'DALI_INPUT_0@cpu'],
      ['decoders__Image', '__Image_1', 'DALI_INPUT_0@cpu', '__Image_1@gpu'],
      ['Resize', '__Resize_2', '__Image_1@gpu', '__Resize_2@gpu'],
      ['CropMirrorNormalize', '__CropMirrorNormalize_3', '__Resize_2@gpu', '__CropMirrorNormalize_3@gpu'],
    ],
  );
  const argument = (op: number, name: string) => ops[op]!.args.find((candidate) => candidate.name === name)!;
  assert.deepEqual(argument(1, 'output_type').ints, [0n]);
  assert.deepEqual(argument(1, 'device').strings, ['mixed']);
  assert.deepEqual(argument(2, 'resize_x').floats, [299]);
  assert.deepEqual(
    argument(3, 'crop').extraArgs.map((element) => [element.name, element.type, element.floats[0]]),
    [
      ['element 0', 'float', 299],
      ['element 1', 'float', 299],
    ],
  );
  assert.ok(argument(3, 'crop').isVector);
  assert.deepEqual(argument(3, 'dtype').ints, [9n]);
  assert.deepEqual([outputs[0]!.name, outputs[0]!.dtype, outputs[0]!.ndim], ['__CropMirrorNormalize_3', 9, 3]);
});

test('tensors as arguments become argument inputs behind the regular ones', () => {
  const { ops } = definePipeline({ batchSize: 1 }, (fn) => {
    const image = fn.externalSource({ name: 'IMAGE', layout: 'HWC' });
    const size = fn.externalSource({ name: 'SIZE' });
    return fn.resize(image, { size });
  });
  assert.deepEqual(
    ops[2]!.inputs.map(({ name, isArgumentInput, argName }) => [name, isArgumentInput, argName]),
    [
      ['IMAGE', false, ''],
      ['SIZE', true, 'size'],
    ],
  );
});

test('arithmetic is written as expressions with constants of their kind', () => {
  const { ops } = definePipeline({ batchSize: 1 }, (fn) => fn.add(fn.fdiv(fn.externalSource({ name: 'X' }), 255), 0.5));
  const expressions = ops
    .slice(1)
    .map((op) => op.args.find((argument) => argument.name === 'expression_desc')!.strings[0]);
  assert.deepEqual(expressions, ['fdiv(&0 $0:int32)', 'add(&0 $0:float)']);
});

test('values DALI would not take are refused when the pipeline is described', () => {
  const describe = (define: Parameters<typeof definePipeline>[1]) => () => definePipeline({ batchSize: 1 }, define);
  assert.throws(
    describe((fn) => fn.operator('Resize', [], { resizeQ: 1 })),
    /no DALI argument is called "resize_q"/,
  );
  assert.throws(
    describe((fn) => fn.cast(fn.externalSource({ name: 'X' }), { dtype: 'DOUBLE' as never })),
    /takes one of/,
  );
  assert.throws(
    describe((fn) => fn.operator('Pad', [], { axes: [0.5] })),
    /takes an integer, not 0.5/,
  );
  assert.throws(
    describe((fn) => {
      fn.externalSource({ name: 'X' });
      return fn.externalSource({ name: 'X' });
    }),
    /two operators are named "X"/,
  );
});
