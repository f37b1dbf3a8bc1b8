import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeGraphDef, type GraphDef, importGraphDef } from '@nereid/importers';
import { writeInceptionGraphDef } from './inception-graphdef.ts';
import { parseLiteral } from './inception-literal.ts';

/** A module as the package's bundler writes it. */
function bundled(literal: string): string {
  return `!function(t){"object"==typeof exports&&"undefined"!=typeof module&&(module.exports=t())}(function(){return function t(e,a,l){function i(d,o){var r=new Error("Cannot find module '"+d+"'");throw r}return i}({1:[function(t,e,a){e.exports=${literal}},{}]},{},[1])(1)});`;
}

/** Like JSON, as a minifier writes it: keys without quotes, !0 and !1, no zero before the point. */
function minified(value: unknown): string {
  if (typeof value === 'boolean') return value ? '!0' : '!1';
  if (typeof value === 'number') return String(value).replace(/^(-?)0\./, '$1.');
  if (Array.isArray(value)) return `[${value.map(minified).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, member]) => `${key}:${minified(member)}`)
    .join(',')}}`;
}

interface LayerSpec {
  readonly name: string;
  readonly className: string;
  readonly config?: object;
  readonly from?: readonly string[];
}

const CONV = { strides: [1, 1], dilation_rate: [1, 1], padding: 'same', activation: 'linear', use_bias: false };

/** A small network with every kind of layer: x (N, 4, 4, 3) -> classes (N, 2). */
const LAYERS: readonly LayerSpec[] = [
  { name: 'in', className: 'InputLayer', config: { batch_input_shape: [null, 4, 4, 3] } },
  { name: 'c1', className: 'Conv2D', config: { ...CONV, strides: [2, 2] }, from: ['in'] },
  { name: 'b1', className: 'BatchNormalization', config: { epsilon: 0.001, scale: false, center: true }, from: ['c1'] },
  { name: 'a1', className: 'Activation', config: { activation: 'relu' }, from: ['b1'] },
  {
    name: 'p1',
    className: 'MaxPooling2D',
    config: { pool_size: [2, 2], strides: [1, 1], padding: 'same' },
    from: ['a1'],
  },
  {
    name: 'p2',
    className: 'AveragePooling2D',
    config: { pool_size: [2, 2], strides: [1, 1], padding: 'same' },
    from: ['a1'],
  },
  { name: 'j', className: 'Concatenate', config: { axis: 3 }, from: ['p1', 'p2'] },
  { name: 'f', className: 'Flatten', from: ['j'] },
  { name: 'd', className: 'Dropout', from: ['f'] },
  { name: 'out', className: 'Dense', config: { activation: 'softmax', use_bias: true }, from: ['d'] },
];

/** Bytes 0, 1, 2 … stand for value * scale + min. */
const WEIGHTS = [
  { name: 'c1/kernel', shape: [1, 1, 3, 2], scale: 0.1, min: -0.25 },
  { name: 'b1/beta', shape: [2], scale: 0.5, min: 0.25 },
  { name: 'b1/moving_mean', shape: [2], scale: 1, min: 0 },
  { name: 'b1/moving_variance', shape: [2], scale: 0.5, min: 0.5 },
  { name: 'out/kernel', shape: [16, 2], scale: 0.03125, min: -0.5 },
  { name: 'out/bias', shape: [2], scale: 0.5, min: -0.5 },
];

function writePackage(root: string, layers = LAYERS, weights = WEIGHTS): string {
  const folder = join(root, 'dist', 'models', 'inception_v3');
  mkdirSync(folder, { recursive: true });
  const description = {
    modelTopology: {
      model_config: {
        config: {
          layers: layers.map(({ name, className, config = {}, from = [] }) => ({
            name,
            class_name: className,
            config,
            inbound_nodes: from.length === 0 ? [] : [from.map((each) => [each, 0, 0, {}])],
          })),
          output_layers: [['out', 0, 0]],
        },
      },
    },
    weightsManifest: [
      {
        paths: ['group1-shard1of2', 'group1-shard2of2'],
        weights: weights.map(({ name, shape, scale, min }) => ({
          name,
          shape,
          dtype: 'float32',
          quantization: { dtype: 'uint8', scale, min },
        })),
      },
    ],
  };
  writeFileSync(join(folder, 'model.min.js'), bundled(minified(description)));
  const bytes = Buffer.concat(
    WEIGHTS.map(({ shape }) =>
      Buffer.from(Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => index)),
    ),
  );
  for (const [index, part] of [bytes.subarray(0, 7), bytes.subarray(7)].entries()) {
    writeFileSync(join(folder, `group1-shard${index + 1}of2.min.js`), bundled(JSON.stringify(part.toString('base64'))));
  }
  return root;
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'inception-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function graphOf(folder: string, layers = LAYERS): Promise<GraphDef> {
  const outFile = join(folder, 'model.graphdef');
  await writeInceptionGraphDef({ nsfwjsDirectory: writePackage(folder, layers), outFile });
  return decodeGraphDef(readFileSync(outFile));
}

test('the package becomes a frozen graph with the names of the article', () =>
  inFolder(async (folder) => {
    const states: string[] = [];
    const outFile = join(folder, 'model.graphdef');
    await writeInceptionGraphDef({
      nsfwjsDirectory: writePackage(folder),
      outFile,
      onProgress: (state) => states.push(state),
    });
    assert.deepEqual(states, ['weights 1 of 2', 'weights 2 of 2', 'graph', 'writing']);
    const { report } = importGraphDef(decodeGraphDef(readFileSync(outFile)));
    assert.deepEqual(report.inputs, [{ name: 'input', elementType: 'float', shape: [-1, 4, 4, 3] }]);
    assert.deepEqual(report.outputs, [
      { name: 'InceptionV3/Predictions/Softmax', elementType: 'float', shape: [-1, 2] },
    ]);
    const operations = [
      'Mul',
      'AddV2',
      'Conv2D',
      'FusedBatchNormV3',
      'Relu',
      'MaxPool',
      'AvgPool',
      'ConcatV2',
      'Reshape',
      'MatMul',
      'BiasAdd',
      'Softmax',
    ];
    for (const operation of operations) assert.equal(report.sourceOperations.get(operation), 1, operation);
  }));

test('weights are what their bytes stand for', () =>
  inFolder(async (folder) => {
    const { nodes } = await graphOf(folder);
    const floats = (name: string): number[] => {
      const value = nodes.find((node) => node.name === `InceptionV3/${name}`)?.attributes.get('value');
      assert.ok(value?.kind === 'tensor' && value.value.content.kind === 'raw', name);
      return [...new Float32Array(value.value.content.bytes.slice().buffer)];
    };
    assert.deepEqual(floats('c1/kernel'), [-0.25, -0.15, -0.05, 0.05, 0.15, 0.25].map(Math.fround));
    assert.deepEqual(floats('b1/moving_variance'), [0.5, 1]);
    // The package leaves out a scale of one.
    assert.deepEqual(floats('b1/gamma'), [1, 1]);
    assert.equal(floats('out/kernel').length, 32);
    assert.deepEqual(floats('out/bias'), [-0.5, 0]);
  }));

test('the graph takes back what the pipeline did to the pixels', () =>
  inFolder(async (folder) => {
    const { nodes } = await graphOf(folder);
    const chain = ['InceptionV3/preprocess/mul', 'InceptionV3/preprocess/add', 'InceptionV3/c1/Conv2D'];
    const found = chain.map((name) => nodes.find((node) => node.name === name));
    assert.deepEqual(
      found.map((node) => node?.inputs[0]),
      ['input', ...chain.slice(0, 2)],
    );
    const constant = (name: string): Float32Array => {
      const value = nodes.find((node) => node.name === name)?.attributes.get('value');
      assert.ok(value?.kind === 'tensor' && value.value.content.kind === 'raw');
      return new Float32Array(value.value.content.bytes.slice().buffer);
    };
    const [std, mean] = [constant('InceptionV3/preprocess/std'), constant('InceptionV3/preprocess/mean')];
    for (const [channel, [articleMean, articleStd]] of [
      [0.485 * 255, 0.229 * 255],
      [0.456 * 255, 0.224 * 255],
      [0.406 * 255, 0.225 * 255],
    ].entries() as Iterable<[number, [number, number]]>) {
      for (const pixel of [0, 100, 255]) {
        const normalized = (pixel - articleMean) / articleStd;
        const restored = normalized * (std[channel] as number) + (mean[channel] as number);
        assert.ok(Math.abs(restored - pixel / 255) < 1e-6);
      }
    }
  }));

test('a package that is not what it should be is refused by file, and leaves no model', () =>
  inFolder(async (folder) => {
    const outFile = join(folder, 'model.graphdef');
    const models = join(folder, 'dist', 'models', 'inception_v3');
    const refused = async (message: RegExp): Promise<void> => {
      await assert.rejects(writeInceptionGraphDef({ nsfwjsDirectory: folder, outFile }), message);
      assert.equal(existsSync(outFile), false);
    };
    await refused(/ENOENT/);
    writePackage(folder);
    writeFileSync(join(models, 'model.min.js'), 'module.exports = require("child_process")');
    await refused(/model\.min\.js: not a bundled module$/);
    writeFileSync(join(models, 'model.min.js'), bundled('{a:process.exit(1)}'));
    await refused(/model\.min\.js: JavaScript literal: unexpected "process\.exit" at character \d+$/);
    writeFileSync(join(models, 'model.min.js'), bundled('{a:1}'));
    await refused(/model\.min\.js: 'modelTopology' is missing$/);
    writePackage(folder, LAYERS, WEIGHTS.slice(0, -1));
    await refused(/: 2 bytes belong to no weight$/);
    writePackage(folder, LAYERS, [...WEIGHTS, { name: 'more', shape: [3], scale: 1, min: 0 }]);
    await refused(/weight 'more' needs 3 bytes, there are 0 left$/);
  }));

test('layers that nobody knows are refused by name', () =>
  inFolder(async (folder) => {
    const strange = LAYERS.map((layer) => (layer.name === 'd' ? { ...layer, className: 'LSTM' } : layer));
    await assert.rejects(graphOf(folder, strange), { message: "layer 'd': LSTM is not supported" });
    const activation = LAYERS.map((layer) =>
      layer.name === 'a1' ? { ...layer, config: { activation: 'swish' } } : layer,
    );
    await assert.rejects(graphOf(folder, activation), { message: "layer 'a1': activation swish is not supported" });
  }));

test('literals are read as minifiers write them, and nothing else is', () => {
  const read = (text: string): unknown => JSON.parse(JSON.stringify(parseLiteral(text, 0)));
  assert.deepEqual(read('{a:[!0,!1,null,-.5,1e-3,2.],"b c":"x\\"y",7:{}}'), {
    a: [true, false, null, -0.5, 0.001, 2],
    'b c': 'x"y',
    7: {},
  });
  assert.deepEqual(Object.keys(parseLiteral('{__proto__:{x:1}}', 0) as object), ['__proto__']);
  for (const text of ['{a:b}', '[1', '{a 1}', '"open', '', '{a:1;}', 'void 0', '`x`', `${'['.repeat(200)}`]) {
    assert.throws(() => parseLiteral(text, 0), { name: 'LiteralError' }, text);
  }
});
