import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProblems, readModel } from '@nereid/onnx';
import { concatenate } from '@nereid/onnx/wire';
import { importModel } from './import-model.ts';
import { encodeGraphDef, matchGraphDef } from './tensorflow/index.ts';
import { TestGraph } from './tensorflow/test-support/graph.ts';
import { ramp } from './tensorflow/test-support/tensors.ts';

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'import-model-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function graphFile(): Uint8Array {
  const graph = new TestGraph();
  graph.placeholder('x', 'DT_FLOAT', [-1, 4]);
  graph.node('y', 'MatMul', ['x', graph.constant('w', ramp([4, 3]))]);
  return encodeGraphDef(graph.build());
}

test('a model file becomes ONNX and a report', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'frozen.pb');
    await writeFile(path, graphFile());
    const { onnx, report } = await importModel(path);
    const model = readModel(concatenate(onnx));
    assert.deepEqual(findProblems(model), []);
    assert.equal(model.graph.name, 'frozen.pb');
    assert.deepEqual(report.outputs, [{ name: 'y', elementType: 'float', shape: [-1, 3] }]);
  }));

test('files of no known format are refused by their path', () =>
  inFolder(async (folder) => {
    for (const [name, content, what] of [
      ['empty', Buffer.alloc(0), '; it is empty'],
      ['model.onnx', Buffer.from('08081200', 'hex'), ''],
      [
        'page.html',
        Buffer.from('<!DOCTYPE html>'),
        '; it is an HTML page, as a download leaves behind that ended at a login or an error',
      ],
      ['saved_model.pb', Buffer.from('080112040a020a00', 'hex'), ''],
    ] as const) {
      const path = join(folder, name);
      await writeFile(path, content);
      await assert.rejects(importModel(path), {
        name: 'ImportError',
        code: 'unsupported',
        message: `import '${path}': not a model of a known format (tensorflow_graphdef)${what}`,
      });
    }
  }));

test('a file that only starts like a graph says what is wrong with it', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'cut.graphdef');
    await writeFile(path, graphFile().subarray(0, -3));
    await assert.rejects(importModel(path, { modelName: 'cut' }), {
      code: 'malformed',
      message: /^import TensorFlow model 'cut': not a TensorFlow GraphDef: .* at byte \d+$/,
    });
  }));

test('a graph is recognised by its first bytes', () => {
  const file = graphFile();
  assert.ok(matchGraphDef(file));
  assert.ok(matchGraphDef(file.subarray(0, 40)));
  assert.equal(matchGraphDef(file.subarray(0, 5)), false);
  assert.equal(matchGraphDef(Buffer.from('\n\x10\n\x03a b\x12\x05Const', 'latin1')), false);
});
