import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { StatusError, type Tensor } from '@nereid/protocol';
import type { BackendModel, ModelInstance, ModelSignature } from '../../inference/index.ts';
import { batchOf, type RequestOptions, request, type TestRequest } from '../batch/test-support/requests.ts';
import { DaliBackend } from './dali-backend.ts';
import { definePipeline, type PipelineDef, writePipeline } from './index.ts';
import { type TestModel, writeModel } from './test-support/model-directory.ts';

const written: TestModel[] = [];
const models: BackendModel[] = [];
after(async () => {
  for (const model of models) await model.unload();
  for (const model of written) await model.remove();
});

async function modelOf(configText: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<TestModel> {
  const model = await writeModel(configText, files);
  written.push(model);
  return model;
}

async function load(
  configText: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<{ model: BackendModel; instance: ModelInstance; signature: ModelSignature }> {
  const { context, signature } = await modelOf(configText, files);
  const model = await new DaliBackend().load(context, signature);
  models.push(model);
  return { model, instance: await model.createInstance('dali_0'), signature };
}

/** Encoded pictures in, their grey values shrunk to 2x2 out. */
const pictures: PipelineDef = definePipeline({ batchSize: 3, numThreads: 2 }, (fn) => {
  const encoded = fn.externalSource({ name: 'INPUT' });
  return fn.resize(fn.decoders.image(encoded, { device: 'mixed', outputType: 'GRAY' }), { resizeX: 2, resizeY: 2 });
});
const PICTURES_CONFIG = `
  name: "dali" backend: "dali" max_batch_size: 256
  input [{ name: "INPUT" data_type: TYPE_UINT8 dims: [-1] }]
  output [{ name: "OUTPUT" data_type: TYPE_UINT8 dims: [2, 2, 1] }]
  parameters: { key: "num_threads" value: { string_value: "12" } }`;

/** A plain grey picture whose decoded value says which it is. */
const picture = (value: number): Buffer => Buffer.concat([Buffer.from('P5 4 4 255\n'), Buffer.alloc(16, value)]);

function tensorOf(files: readonly Uint8Array[]): Tensor {
  const longest = Math.max(...files.map((file) => file.length));
  const data = new Uint8Array(longest * files.length);
  files.forEach((file, i) => {
    data.set(file, i * longest);
  });
  return { name: 'INPUT', dataType: 'UINT8', shape: [files.length, longest], data };
}

async function run(
  instance: ModelInstance,
  requests: readonly TestRequest[],
): Promise<(readonly Tensor[] | StatusError)[]> {
  await instance.execute(batchOf(requests));
  return requests.map(({ answers }) => {
    assert.equal(answers.length, 1);
    assert.ok(answers[0]!.final);
    return answers[0]!.response.error ?? answers[0]!.response.outputs;
  });
}

const summary = (result: readonly Tensor[] | StatusError) =>
  result instanceof StatusError
    ? `${result.code} ${result.message}`
    : result.map(({ name, dataType, shape, data }) => ({ name, dataType, shape, data: [...data] }));

test('a batch of requests is decoded, each answered under the configured names', async () => {
  const { instance, signature } = await load(PICTURES_CONFIG, { 'model.dali': writePipeline(pictures) });
  const requests = [
    request(signature, [tensorOf([picture(7)])]),
    request(signature, [tensorOf([picture(1), Buffer.concat([picture(2), Buffer.alloc(99)])])]),
  ];
  const [first, second] = await run(instance, requests);
  assert.deepEqual(summary(first!), [{ name: 'OUTPUT', dataType: 'UINT8', shape: [1, 2, 2, 1], data: [7, 7, 7, 7] }]);
  assert.deepEqual(summary(second!), [
    { name: 'OUTPUT', dataType: 'UINT8', shape: [2, 2, 2, 1], data: [1, 1, 1, 1, 2, 2, 2, 2] },
  ]);
});

test('pictures that libvips decodes go through the threads as well', async () => {
  const { instance, signature } = await load(PICTURES_CONFIG, { 'model.dali': writePipeline(pictures) });
  // 4x4 grey PNG, every pixel 77.
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAAAAACMmsGiAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAD0lEQVQImWPw9fX1ZUAlADA0BNFSRFrLAAAAAElFTkSuQmCC',
    'base64',
  );
  const [first, second] = await run(instance, [
    request(signature, [tensorOf([png])]),
    request(signature, [tensorOf([png, picture(5)])]),
  ]);
  assert.deepEqual([...(first as readonly Tensor[])[0]!.data], [77, 77, 77, 77]);
  assert.deepEqual([...(second as readonly Tensor[])[0]!.data], [77, 77, 77, 77, 5, 5, 5, 5]);
});

test('one request that is divided among threads comes back in order', async () => {
  const { instance, signature } = await load(PICTURES_CONFIG, { 'model.dali': writePipeline(pictures) });
  const values = Array.from({ length: 37 }, (_, i) => i + 1);
  const [result] = await run(instance, [request(signature, [tensorOf(values.map(picture))])]);
  assert.ok(!(result instanceof StatusError));
  assert.deepEqual(result![0]!.shape, [37, 2, 2, 1]);
  assert.deepEqual(
    [...result![0]!.data],
    values.flatMap((value) => [value, value, value, value]),
  );
});

test('a bad picture fails its own request, with operator, sample and reason', async () => {
  const { instance, signature } = await load(PICTURES_CONFIG, { 'model.dali': writePipeline(pictures) });
  const requests = [
    request(signature, [tensorOf([picture(1)])]),
    request(signature, [tensorOf([picture(2), Buffer.from('not a picture, whatever it says')])]),
    request(signature, [tensorOf([picture(3), picture(4)])]),
  ];
  const [good, bad, alsoGood] = await run(instance, requests);
  assert.ok(!(good instanceof StatusError) && !(alsoGood instanceof StatusError));
  assert.equal(
    summary(bad!),
    'UNKNOWN Runtime error: Critical error in pipeline:\nError in CPU operator `nvidia.dali.fn.decoders.image` (instance "__Image_1") while processing sample #1: ' +
      'unrecognised image format (first bytes 6e6f742061207069); JPEG, PNG, WebP, BMP and PNM are supported',
  );
  assert.deepEqual([...alsoGood![0]!.data], [3, 3, 3, 3, 4, 4, 4, 4], 'the model goes on');
});

test('samples of different shapes in one request are an error, in different requests they are not', async () => {
  const pipeline = definePipeline({ batchSize: 8 }, (fn) =>
    fn.decoders.image(fn.externalSource({ name: 'INPUT' }), { outputType: 'GRAY' }),
  );
  const config = `name: "dali" backend: "dali" max_batch_size: 8 input [{ name: "INPUT" data_type: TYPE_UINT8 dims: [-1] }]
    output [{ name: "OUTPUT" data_type: TYPE_UINT8 dims: [-1, -1, 1] }]`;
  const { instance, signature } = await load(config, { 'model.dali': writePipeline(pipeline) });
  const wide = Buffer.from('P5 2 1 255\nab');
  const [mixed, alone] = await run(instance, [
    request(signature, [tensorOf([picture(1), wide])]),
    request(signature, [tensorOf([wide])]),
  ]);
  assert.match(
    String(summary(mixed!)),
    /UNKNOWN Runtime error: .*do not have one shape: sample #0 has \(4, 4, 1\), sample #1 has \(1, 2, 1\)/s,
  );
  assert.deepEqual(summary(alone!), [{ name: 'OUTPUT', dataType: 'UINT8', shape: [1, 1, 2, 1], data: [97, 98] }]);
});

test('several inputs and outputs: only what is asked for is given', async () => {
  const pipeline = definePipeline({ batchSize: 8 }, (fn) => {
    const [a, b] = [fn.externalSource({ name: 'B', dtype: 'FLOAT' }), fn.externalSource({ name: 'A', dtype: 'FLOAT' })];
    return [fn.add(a, b), fn.sub(a, b)];
  });
  const config = `name: "dali" backend: "dali" max_batch_size: 8
    input [{ name: "A" data_type: TYPE_FP32 dims: [2] }, { name: "B" data_type: TYPE_FP32 dims: [2] }]
    output [{ name: "SUM" data_type: TYPE_FP32 dims: [2] }, { name: "DIFFERENCE" data_type: TYPE_FP32 dims: [2] }]`;
  const { instance, signature } = await load(config, { 'model.dali': writePipeline(pipeline) });
  const floats = (name: string, rows: number, ...values: number[]): Tensor => ({
    name,
    dataType: 'FP32',
    shape: [rows, 2],
    data: new Uint8Array(Float32Array.from(values).buffer),
  });
  const ask = (options: RequestOptions, tensors = [floats('A', 1, 1, 2), floats('B', 1, 10, 20)]) =>
    request(signature, tensors, options);
  const [both, one, uneven] = await run(instance, [
    ask({}),
    ask({ outputs: ['DIFFERENCE'] }),
    ask({}, [floats('A', 1, 1, 2), floats('B', 2, 10, 20, 30, 40)]),
  ]);
  const values = (result: readonly Tensor[] | StatusError) =>
    (result as readonly Tensor[]).map(({ name, data }) => [name, ...new Float32Array(data.slice().buffer)]);
  assert.deepEqual(values(both!), [
    ['SUM', 11, 22],
    ['DIFFERENCE', 9, 18],
  ]);
  assert.deepEqual(values(one!), [['DIFFERENCE', 9, 18]]);
  assert.equal(summary(uneven!), 'UNKNOWN DALI Backend error: Each input in a request must have the same batch size.');
});

test('split_along_outer_axis makes the first dimension of a sample part of the batch', async () => {
  const pipeline = definePipeline({ batchSize: 8 }, (fn) => fn.add(fn.externalSource({ name: 'INPUT' }), 1));
  const config = `name: "dali" backend: "dali" max_batch_size: 8 input [{ name: "INPUT" data_type: TYPE_INT32 dims: [3, 2] }]
    output [{ name: "OUTPUT" data_type: TYPE_INT32 dims: [2] }] parameters: { key: "split_along_outer_axis" value: { string_value: "OUTPUT" } }`;
  const { instance, signature } = await load(config, { 'model.dali': writePipeline(pipeline) });
  const data = new Uint8Array(Int32Array.from({ length: 12 }, (_, i) => i).buffer);
  const [result] = await run(instance, [
    request(signature, [{ name: 'INPUT', dataType: 'INT32', shape: [2, 3, 2], data }]),
  ]);
  assert.deepEqual((result as readonly Tensor[])[0]!.shape, [6, 2]);
});

test('max_batch_size 0 in the file: the first dimension is the batch all the same', async () => {
  const config = `name: "dali" backend: "dali" max_batch_size: 0 input [{ name: "INPUT" data_type: TYPE_UINT8 dims: [-1, -1] }]
    output [{ name: "OUTPUT" data_type: TYPE_UINT8 dims: [-1, 2, 2, 1] }]`;
  const { instance, signature } = await load(config, { 'model.dali': writePipeline(pictures) });
  const [result] = await run(instance, [request(signature, [tensorOf([picture(5), picture(6)])])]);
  assert.deepEqual((result as readonly Tensor[])[0]!.shape, [2, 2, 2, 1]);
});

test('a file that is missing, broken, in Python or too new is refused, saying what to do', async () => {
  const refuses = async (
    text: RegExp,
    files: Readonly<Record<string, string | Uint8Array>>,
    config = PICTURES_CONFIG,
  ) => {
    const { context, signature } = await modelOf(config, files);
    for (const attempt of [
      () => new DaliBackend().load(context, signature),
      () => new DaliBackend().autoComplete(context),
    ]) {
      await assert.rejects(attempt, (error) => {
        assert.ok(error instanceof StatusError);
        assert.match(`${error.code} ${error.message}`, text);
        return true;
      });
    }
  };
  await refuses(
    /^UNKNOWN DALI Backend error: Failed to load model file\. The program looked in the following locations: .*1\/model\.dali, .*1\/dali\.py\./,
    {},
  );
  await refuses(/dali\.py defines the pipeline in Python.*serialize\(filename="model\.dali"\)/, {
    'dali.py': 'import nvidia.dali',
  });
  await refuses(/model\.dali is not a serialized DALI pipeline: .* at byte \d+ \(it is an HTML page, .*\)/, {
    'model.dali': '<html>404</html>',
  });
  await refuses(/model\.dali is not a serialized DALI pipeline: required field batch_size is missing/, {
    'model.dali': '',
  });
  await refuses(
    /pipe\.py defines the pipeline in Python/,
    { 'pipe.py': '' },
    `${PICTURES_CONFIG} default_model_filename: "pipe.py"`,
  );
  await refuses(
    /Model file name '\.\.\/up\.dali' contains an invalid character: '\/'/,
    {},
    `${PICTURES_CONFIG} default_model_filename: "../up.dali"`,
  );
  const unknown = definePipeline({ batchSize: 1 }, (fn) =>
    fn.operator('Spectrogram', [fn.externalSource({ name: 'INPUT' })]),
  );
  await refuses(
    /^UNKNOWN Error while instantiating DALI pipeline: model 'dali': operator "Spectrogram" \(instance "__Spectrogram_1", number 1 of the pipeline\)/,
    {
      'model.dali': writePipeline(unknown),
    },
  );
});

test('default_model_filename names the file', async () => {
  const { instance, signature } = await load(`${PICTURES_CONFIG} default_model_filename: "pipe.bin"`, {
    'pipe.bin': writePipeline(pictures),
  });
  const [result] = await run(instance, [request(signature, [tensorOf([picture(9)])])]);
  assert.ok(!(result instanceof StatusError));
});

test('limits on pictures and outputs come from the backend configuration', async () => {
  const { context, signature } = await modelOf(PICTURES_CONFIG, { 'model.dali': writePipeline(pictures) });
  const model = await new DaliBackend().load(
    {
      ...context,
      backendConfig: new Map([
        ['max_image_pixels', '15'],
        ['max_output_bytes', '10'],
      ]),
    },
    signature,
  );
  models.push(model);
  const instance = await model.createInstance('a');
  const small = Buffer.from('P5 2 2 255\nabcd');
  const [tooLarge, fits, tooMany] = await run(instance, [
    request(signature, [tensorOf([picture(1)])]),
    request(signature, [tensorOf([small])]),
    request(signature, [tensorOf([small, small, small])]),
  ]);
  assert.match(String(summary(tooLarge!)), /image of 4x4 pixels exceeds the limit of 15 pixels/);
  assert.ok(!(fits instanceof StatusError));
  assert.match(String(summary(tooMany!)), /12 bytes exceeds the limit of 10 bytes/);
  await assert.rejects(
    new DaliBackend().load({ ...context, backendConfig: new Map([['max_image_pixels', 'many']]) }, signature),
    /expected a positive integer/,
  );
});

test('unloading leaves other models alone, and a model can be loaded again after the last', async () => {
  const { context, signature } = await modelOf(PICTURES_CONFIG, { 'model.dali': writePipeline(pictures) });
  const backend = new DaliBackend();
  const [first, second] = [await backend.load(context, signature), await backend.load(context, signature)];
  await first.unload();
  const [result] = await run(await second.createInstance('a'), [request(signature, [tensorOf([picture(1)])])]);
  assert.ok(!(result instanceof StatusError), 'the other model goes on');
  await second.unload();
  const third = await backend.load(context, signature);
  const [again] = await run(await third.createInstance('a'), [request(signature, [tensorOf([picture(1)])])]);
  assert.ok(!(again instanceof StatusError));
  await third.unload();
});
