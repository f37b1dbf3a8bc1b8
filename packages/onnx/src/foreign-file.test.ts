import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { describeForeignFile } from './foreign-file.ts';
import { GraphBuilder, writeModel } from './index.ts';

function tar(): Uint8Array {
  const header = Buffer.alloc(512);
  header.write('model.onnx', 0);
  header.write('ustar', 257);
  return header;
}

const MISHAPS: readonly (readonly [name: string, head: string | Uint8Array, told: RegExp])[] = [
  ['nothing', '', /^it is empty$/],
  ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n', /git lfs pull/],
  ['an HTML page', '\n<!DOCTYPE html>\n<html><body>Not found', /^it is an HTML page/],
  ['an HTML page without a type', '<HTML lang="en">', /^it is an HTML page/],
  ['the error of an object store', '\u00ef\u00bb\u00bf<?xml version="1.0"?><Error><Code>AccessDenied', /^it is XML/],
  ['an answer of a service', '{"error": "not found"}', /^it is JSON text$/],
  ['a zip archive', 'PK\u0003\u0004\u0014', /^it is a zip archive: unpack it/],
  ['a compressed file', gzipSync('model'), /compressed with gzip: unpack it/],
  ['a tar archive', tar(), /^it is a tar archive: unpack it/],
  ['a pickle', Uint8Array.of(0x80, 0x04, 0x95), /^it is a Python pickle$/],
];

for (const [name, head, told] of MISHAPS) {
  test(`a file that is no model: ${name}`, () => {
    assert.match(describeForeignFile(typeof head === 'string' ? Buffer.from(head, 'latin1') : head) ?? '', told);
  });
}

test('models are not mistaken for something else', () => {
  const graph = new GraphBuilder();
  graph.input('x', 'float', [1]);
  graph.node('Identity', ['x'], { outputs: ['y'] });
  graph.output('y', 'float', [1]);
  const model = writeModel(graph.build({ graphName: 'g', producerName: 'p', producerVersion: '1' }));
  assert.equal(describeForeignFile(model), undefined);
  assert.equal(describeForeignFile(model.subarray(0, 3)), undefined);
  // A GraphDef begins with the length of its first node, which may be any byte.
  assert.equal(describeForeignFile(Uint8Array.of(0x0a, 0x3c, 0x0a, 0x01, 0x78)), undefined);
});
