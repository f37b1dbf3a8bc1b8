import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { coveragePage } from './coverage-table.ts';
import { tensorflowOps } from './ops/index.ts';

test('the page of supported operations is current', () => {
  const page = readFileSync(new URL('../../../../docs/importers-tensorflow.md', import.meta.url), 'utf8');
  assert.equal(page, coveragePage(tensorflowOps()), 'run: npm run coverage -w packages/importers');
});

test('every operation is run by a test', () => {
  const folder = new URL('./ops/', import.meta.url);
  const tests = readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
  // TestGraph.constant writes the Const nodes.
  const untested = tensorflowOps()
    .list()
    .filter(({ op }) => op !== 'Const' && !tests.includes(`'${op}'`));
  assert.deepEqual(
    untested.map(({ op }) => op),
    [],
  );
});
