import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readModel } from './index.ts';
import { concatenate, WireWriter } from './wire/index.ts';

function file(write: (writer: WireWriter) => void): Uint8Array {
  const writer = new WireWriter();
  write(writer);
  return concatenate(writer.chunks());
}

test('what is no ONNX model is refused with the reason', () => {
  const cases: [string, Uint8Array, string, RegExp][] = [
    ['empty file', new Uint8Array(0), 'malformed', /there is no graph in it/],
    ['zip', new TextEncoder().encode('PK\u0003\u0004 some archive'), 'malformed', /^read ONNX model: .* at byte \d+/],
    ['HTML', new TextEncoder().encode('<!DOCTYPE html><html>404</html>'), 'malformed', /at byte \d+/],
    [
      'cut off',
      file((writer) => writer.message(7, (graph) => graph.string(2, 'name'))).slice(0, -2),
      'malformed',
      /length/,
    ],
    [
      'unknown data type',
      file((writer) => writer.message(7, (graph) => graph.message(5, (tensor) => tensor.uint32(2, 99)))),
      'invalid',
      /unknown data type 99/,
    ],
    [
      'attribute without a type',
      file((writer) =>
        writer.message(7, (graph) =>
          graph.message(1, (node) => node.message(5, (attribute) => attribute.string(1, 'a'))),
        ),
      ),
      'invalid',
      /attribute 'a': unknown type 0/,
    ],
  ];
  for (const [name, bytes, code, message] of cases) {
    assert.throws(() => readModel(bytes), { name: 'OnnxError', code, message }, name);
  }
});

test('graphs nested in attributes stop at the depth limit', () => {
  const nest = (writer: WireWriter, depth: number): void => {
    writer.string(2, 'g');
    if (depth === 0) return;
    writer.message(1, (node) =>
      node.message(5, (attribute) => {
        attribute.string(1, 'body');
        attribute.message(6, (graph) => nest(graph, depth - 1));
        attribute.uint32(20, 5);
      }),
    );
  };
  const bytes = file((writer) => writer.message(7, (graph) => nest(graph, 120)));
  assert.throws(() => readModel(bytes), { code: 'limit', message: 'read ONNX model: nested deeper than 100' });
  assert.equal(readModel(file((writer) => writer.message(7, (graph) => nest(graph, 50)))).graph.nodes.length, 1);
});

test('a file of empty nodes stops at the object limit', () => {
  const nodes = new Uint8Array(20_000).map((_, index) => (index % 2 === 0 ? 0x0a : 0));
  const bytes = file((writer) => writer.bytes(7, nodes));
  assert.equal(readModel(bytes).graph.nodes.length, 10_000);
  assert.throws(() => readModel(bytes, { maxObjects: 9_999 }), { code: 'limit', message: /more than 9999 objects/ });
});

test('a file beyond the byte limit is refused before it is read', () => {
  assert.throws(() => readModel(new Uint8Array(11), { maxBytes: 10 }), {
    code: 'limit',
    message: 'read ONNX model: 11 bytes exceed the limit of 10',
  });
});

test('elements in typed fields become raw bytes', () => {
  const bytes = file((writer) =>
    writer.message(7, (graph) => {
      graph.message(5, (tensor) => {
        tensor.packedInt64(1, [2]);
        tensor.uint32(2, 1);
        tensor.packedFloat(4, [1, -2]);
      });
      graph.message(5, (tensor) => {
        tensor.packedInt64(1, [2]);
        tensor.uint32(2, 10);
        tensor.packedInt64(5, [0x3c00, 0xc000]);
      });
      graph.message(5, (tensor) => {
        tensor.packedInt64(1, [1]);
        tensor.uint32(2, 13);
        tensor.packedInt64(11, [2n ** 64n - 1n]);
      });
    }),
  );
  const contents = readModel(bytes).graph.initializers.map((tensor) =>
    tensor.content.kind === 'raw' ? Buffer.from(tensor.content.bytes).toString('hex') : tensor.content.kind,
  );
  assert.deepEqual(contents, ['0000803f000000c0', '003c00c0', 'ffffffffffffffff']);
});
