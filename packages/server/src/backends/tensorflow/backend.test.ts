import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { StatusError, type Tensor } from '@nereid/protocol';
import type { BackendModel } from '../../inference/index.ts';
import { batchOf, configured, loadContext, outputsOf, request } from '../batch/test-support/requests.ts';
import { SharedRuntime } from '../onnxruntime/index.ts';
import { TensorflowBackend } from './index.ts';
import { dense, graphFile, large, node, placeholder } from './test-support/graphs.ts';

const root = mkdtempSync(path.join(tmpdir(), 'nereid-tensorflow-'));
const runtime = new SharedRuntime({ intraOpThreads: 1 });
const backend = new TensorflowBackend(runtime);
after(async () => {
  await runtime.close();
  rmSync(root, { recursive: true });
});

const HEAD = 'name: "m" platform: "tensorflow_graphdef" backend: "tensorflow"';
const INPUT = 'input { name: "x" data_type: TYPE_FP32 dims: [ 3 ] }';
const OUTPUT = 'output { name: "y" data_type: TYPE_FP32 dims: [ 2 ] }';
const DENSE = `${HEAD} max_batch_size: 8 ${INPUT} ${OUTPUT}`;

function setUp(text: string, model: Uint8Array = dense(), options: { file?: string; cache?: string } = {}) {
  const { config, signature } = configured(text);
  const versionDirectory = path.join(mkdtempSync(path.join(root, 'model-')), '1');
  const file = path.join(versionDirectory, options.file ?? 'model.graphdef');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, model);
  const { context, lines } = loadContext(config, versionDirectory);
  return { context: { ...context, cacheDirectory: options.cache }, signature, lines };
}

async function load(...args: Parameters<typeof setUp>): Promise<{ model: BackendModel; lines: string[] }> {
  const { context, signature, lines } = setUp(...args);
  return { model: await backend.load(context, signature), lines };
}

function floats(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, dataType: 'FP32', shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}

function values(tensor: Tensor | undefined): number[] {
  return tensor === undefined ? [] : [...new Float32Array(tensor.data.slice().buffer)];
}

async function infer(text: string, model: BackendModel, input: Tensor): Promise<Tensor | undefined> {
  const { signature } = configured(text);
  const asked = request(signature, [input]);
  await (await model.createInstance('m_0')).execute(batchOf([asked]));
  return outputsOf(asked)[0];
}

async function refuses(message: string | RegExp, code: string, ...args: Parameters<typeof setUp>): Promise<void> {
  await assert.rejects(load(...args), (error) => {
    assert.ok(error instanceof StatusError, String(error));
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    assert.equal(error.code, code);
    return true;
  });
}

describe('tensorflow backend: graphs', () => {
  it('runs a frozen graph; inputs and outputs are node names', async () => {
    const { model } = await load(DENSE);
    const output = await infer(DENSE, model, floats('x', [2, 3], [1, 0, 0, 1, 1, 1]));
    assert.deepEqual(output?.shape, [2, 2]);
    assert.deepEqual(values(output), [1.5, -98, 9.5, -88]);
    await model.unload();
  });

  it('takes any node as the output, scopes and output numbers included', async () => {
    for (const [name, expected] of [
      ['scope/z', [1.5, 0]],
      ['y:0', [1.5, -98]],
    ] as const) {
      const text = `${HEAD} max_batch_size: 8 input { name: "x:0" data_type: TYPE_FP32 dims: [ 3 ] } output { name: "${name}" data_type: TYPE_FP32 dims: [ 2 ] }`;
      const { model } = await load(text);
      assert.deepEqual(values(await infer(text, model, floats('x:0', [1, 3], [1, 0, 0]))), expected);
      await model.unload();
    }
  });

  it('believes the configuration where the graph has no shape, and batches where it has a 1', async () => {
    for (const shape of [undefined, [-1, -1], [1, 3]]) {
      const { model } = await load(DENSE, dense(shape));
      assert.deepEqual(
        values(await infer(DENSE, model, floats('x', [2, 3], [1, 0, 0, 1, 1, 1]))),
        [1.5, -98, 9.5, -88],
      );
      await model.unload();
    }
  });

  it('takes threads of its own when the configuration gives it some', async () => {
    const text = `${DENSE} parameters { key: "TF_NUM_INTRA_THREADS" value: { string_value: "2" } }`;
    const { model } = await load(text);
    assert.deepEqual(values(await infer(text, model, floats('x', [1, 3], [1, 0, 0]))), [1.5, -98]);
    await model.unload();
  });

  it('finds the graph under another name', async () => {
    const { model } = await load(`${DENSE} default_model_filename: "frozen.pb"`, dense(), { file: 'frozen.pb' });
    await model.unload();
  });
});

describe('tensorflow backend: what it refuses', () => {
  it('files that are missing, elsewhere or no graphs', async () => {
    await refuses(/^unable to find '.*\/1\/model\.graphdef' for model instance 'm'$/, 'UNAVAILABLE', DENSE, dense(), {
      file: 'x',
    });
    await refuses(
      /is outside of its version directory$/,
      'INVALID_ARG',
      `${DENSE} default_model_filename: "../model.graphdef"`,
    );
    await refuses(/is not a regular file$/, 'INVALID_ARG', DENSE, dense(), { file: 'model.graphdef/inner' });
    await refuses(
      /^Can't parse .*\/1\/model\.graphdef as binary proto: .* at byte \d+ \(it is an HTML page, .*\)$/,
      'INTERNAL',
      DENSE,
      Buffer.from('<html>'),
    );
    await refuses('model m has an empty network', 'INTERNAL', DENSE, new Uint8Array(0));
  });

  it('platforms and types it does not have', async () => {
    const saved = DENSE.replace('graphdef', 'savedmodel');
    await refuses(/^platform tensorflow_savedmodel not supported for TensorFlow model 'm'/, 'UNSUPPORTED', saved);
    const other = DENSE.replace('tensorflow_graphdef', 'onnxruntime_onnx');
    await refuses("platform onnxruntime_onnx not supported for TensorFlow model 'm'", 'INVALID_ARG', other);
    const type = DENSE.replace('TYPE_FP32', 'TYPE_BF16');
    await refuses("unsupported datatype 'TYPE_BF16' for tensor 'x' for model 'm'", 'INVALID_ARG', type);
  });

  it('names that the graph does not have, with those it has', async () => {
    const input = DENSE.replace('"x"', '"input"');
    await refuses("unexpected inference input 'input', allowed inputs are: x", 'INVALID_ARG', input);
    const output = DENSE.replace('"y"', '"prob"');
    await refuses(
      "unexpected inference output 'prob', allowed outputs are: b, m, scope/z, w, y",
      'INVALID_ARG',
      output,
    );
    const two = `${DENSE} input { name: "more" data_type: TYPE_FP32 dims: [ 3 ] }`;
    const message = "unable to load model 'm', configuration expects 2 inputs, model provides at most 1";
    await refuses(message, 'INVALID_ARG', two);
    const sequence = `${DENSE} sequence_batching { control_input [ { name: "START" control [ { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] } ] } ] }`;
    const control = "configuration specified sequence control 'START', but model does not provide that input";
    await refuses(control, 'INTERNAL', sequence);
  });

  it('types and shapes that are not those of the graph', async () => {
    const type = `${HEAD} max_batch_size: 8 input { name: "x" data_type: TYPE_INT32 dims: [ 3 ] } ${OUTPUT}`;
    await refuses(
      "unable to load model 'm', configuration expects datatype TYPE_INT32 for input 'x', model provides TYPE_FP32",
      'INVALID_ARG',
      type,
    );
    await refuses(
      "model 'm', tensor 'x': the model expects 2 dimensions (shape [-1,3]) but the model configuration specifies 2 dimensions " +
        '(an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, making complete shape [-1,4])',
      'INVALID_ARG',
      DENSE.replace('[ 3 ]', '[ 4 ]'),
    );
    await refuses(
      "model 'm', tensor 'y': the model expects 2 dimensions (shape [-1,2]) but the model configuration specifies 1 dimensions (shape [2])",
      'INVALID_ARG',
      `${HEAD} input { name: "x" data_type: TYPE_FP32 dims: [ -1, 3 ] } ${OUTPUT}`,
    );
  });

  it('operations that nobody translates, by operation, node and model', async () => {
    const graph = graphFile(
      placeholder('x', [-1, 3]),
      node('hash', 'StringToHashBucketFast', ['x']),
      node('y', 'Relu', ['hash']),
    );
    await refuses(
      "import TensorFlow model 'm': operation is not supported: StringToHashBucketFast (node 'hash')",
      'UNSUPPORTED',
      DENSE,
      graph,
    );
  });

  it('parameters that are not understood', async () => {
    const parameter = (name: string, value: string): string =>
      `${DENSE} parameters { key: "${name}" value: { string_value: "${value}" } }`;
    await refuses(
      "failed to convert 'many' to integral number",
      'INVALID_ARG',
      parameter('TF_NUM_INTRA_THREADS', 'many'),
    );
    await refuses(
      "parameter 'TF_NUM_INTRA_THREADS' must be non-negative number for TensorFlow model 'm'",
      'INVALID_ARG',
      parameter('TF_NUM_INTRA_THREADS', '-1'),
    );
    await refuses(
      "parameter 'MAX_SESSION_SHARE_COUNT' must be positive number for TensorFlow model 'm'",
      'INVALID_ARG',
      parameter('MAX_SESSION_SHARE_COUNT', '0'),
    );
    await refuses(
      "failed to convert 'maybe' to boolean",
      'INVALID_ARG',
      parameter('TF_USE_PER_SESSION_THREADS', 'maybe'),
    );
    await refuses(/TF_INIT_OPS_FILE/, 'UNSUPPORTED', parameter('TF_INIT_OPS_FILE', 'init.json'));
    await refuses(
      'CPU Execution Accelerator is not supported in TensorFlow backend',
      'INVALID_ARG',
      `${DENSE} optimization { execution_accelerators { cpu_execution_accelerator { name: "openvino" } } }`,
    );
    await refuses(
      /libraries of custom operations/,
      'UNSUPPORTED',
      `${DENSE} model_operations { op_library_filename: "ops.so" }`,
    );
  });
});

describe('tensorflow backend: the cache of imports', () => {
  const BIG = large(300_000);
  const INPUT_VALUES = floats('x', [1, 3], [1, 0, 0]);

  async function answer(cache: string | undefined): Promise<{ values: number[]; lines: string[] }> {
    const { model, lines } = await load(DENSE, BIG, cache === undefined ? {} : { cache });
    const output = values(await infer(DENSE, model, INPUT_VALUES));
    await model.unload();
    return { values: output, lines };
  }

  const folderOf = (cache: string): string => path.join(cache, 'tensorflow', 'models');
  const onlyEntry = (cache: string): string => {
    const names = readdirSync(folderOf(cache));
    assert.equal(names.length, 1);
    return path.join(folderOf(cache), names[0] as string);
  };

  it('keeps a large graph once, and answers the same from it', async () => {
    const cache = mkdtempSync(path.join(root, 'cache-'));
    const without = await answer(undefined);
    const first = await answer(cache);
    const entry = onlyEntry(cache);
    const written = statSync(path.join(entry, 'model.onnx')).mtimeMs;
    const second = await answer(cache);
    assert.deepEqual([first.values, second.values], [without.values, without.values]);
    assert.equal(onlyEntry(cache), entry);
    assert.equal(statSync(path.join(entry, 'model.onnx')).mtimeMs, written);
    assert.deepEqual([...first.lines, ...second.lines], []);
  });

  it('keeps nothing of a small graph', async () => {
    const cache = mkdtempSync(path.join(root, 'cache-'));
    const { model } = await load(DENSE, dense(), { cache });
    await model.unload();
    assert.deepEqual(readdirSync(cache), []);
  });

  it('tells apart what a configuration makes of the same graph', async () => {
    const cache = mkdtempSync(path.join(root, 'cache-'));
    await answer(cache);
    const other = DENSE.replace('"y"', '"m"');
    const { model } = await load(other, BIG, { cache });
    assert.deepEqual(values(await infer(other, model, INPUT_VALUES)), [1, 2]);
    await model.unload();
    assert.equal(readdirSync(folderOf(cache)).length, 2);
  });

  it('makes a damaged entry anew', async () => {
    const cache = mkdtempSync(path.join(root, 'cache-'));
    const { values: expected } = await answer(cache);
    const entry = onlyEntry(cache);
    const file = path.join(entry, 'model.onnx');
    const good = readFileSync(file);
    const flipped = Buffer.from(good);
    flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] as number) ^ 1;
    const damages: (() => void)[] = [
      () => writeFileSync(file, flipped),
      () => writeFileSync(file, good.subarray(0, -1)),
      () => rmSync(file),
      () => writeFileSync(path.join(entry, 'entry.json'), '{"inputs":'),
      () => writeFileSync(path.join(entry, 'entry.json'), 'null'),
      () => rmSync(path.join(entry, 'entry.json')),
    ];
    for (const damage of damages) {
      damage();
      assert.deepEqual((await answer(cache)).values, expected);
      assert.deepEqual(readFileSync(path.join(onlyEntry(cache), 'model.onnx')), good);
      assert.equal(JSON.parse(readFileSync(path.join(entry, 'entry.json'), 'utf8')).bytes, good.length);
    }
  });

  it('is shared by loads at the same time', async () => {
    const cache = mkdtempSync(path.join(root, 'cache-'));
    const answers = await Promise.all([answer(cache), answer(cache), answer(cache)]);
    for (const { values: each } of answers) assert.deepEqual(each, answers[0]?.values);
    onlyEntry(cache);
  });

  it('is done without when it cannot be written', async () => {
    const cache = path.join(root, 'a-file');
    writeFileSync(cache, '');
    const { values: found, lines } = await answer(cache);
    assert.deepEqual(found, (await answer(undefined)).values);
    assert.match(lines[0] ?? '', /^W tensorflow\.cc\] import of model 'm' is not kept: /);
  });

  it('removes what a dead process left and what nobody used for a month', async () => {
    const cache = mkdtempSync(path.join(root, 'cache-'));
    const old = new Date(Date.now() - 40 * 24 * 3600 * 1000);
    for (const [name, file] of [
      ['.incoming-dead', 'model.onnx'],
      ['0123', 'entry.json'],
    ] as const) {
      mkdirSync(path.join(folderOf(cache), name), { recursive: true });
      writeFileSync(path.join(folderOf(cache), name, file), '{}');
      utimesSync(path.join(folderOf(cache), name, file), old, old);
      utimesSync(path.join(folderOf(cache), name), old, old);
    }
    await answer(cache);
    assert.equal(readdirSync(folderOf(cache)).length, 1);
  });

  it('refuses from the cache what it refuses without', async () => {
    const cache = mkdtempSync(path.join(root, 'cache-'));
    await answer(cache);
    const type = DENSE.replace('output { name: "y" data_type: TYPE_FP32', 'output { name: "y" data_type: TYPE_FP64');
    await refuses(
      /configuration expects datatype TYPE_FP64 for output 'y', model provides TYPE_FP32$/,
      'INVALID_ARG',
      type,
      BIG,
      { cache },
    );
    const unknown = DENSE.replace('"y"', '"prob"');
    await refuses(/^unexpected inference output 'prob'/, 'INVALID_ARG', unknown, BIG, { cache });
  });
});
