import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readKnownDifferences } from './known-differences.ts';

test('docs/compatibility.md lists the reason of every known difference', () => {
  const page = readFileSync(new URL('../../docs/compatibility.md', import.meta.url), 'utf8');
  const { rules, exchanges } = readKnownDifferences();
  const missing = [...rules, ...exchanges].map(({ reason }) => reason).filter((reason) => !page.includes(reason));
  assert.deepEqual(missing, []);
});
