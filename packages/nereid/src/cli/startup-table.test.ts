import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelTable } from './startup-table.ts';

test('models are listed with the reason of what is not ready', () => {
  const table = modelTable([
    { name: 'broken', version: 1, state: 'UNAVAILABLE', reason: 'Internal: two\nlines \u001b[31m' },
    { name: 'empty', version: undefined, state: 'UNKNOWN', reason: 'No model version was found' },
    { name: 'simple', version: 2, state: 'READY', reason: '' },
    { name: 'simple', version: 10, state: 'READY', reason: '' },
  ]);
  assert.equal(
    table,
    `+--------+---------+----------------------------------------+
| Model  | Version | Status                                 |
+--------+---------+----------------------------------------+
| broken | 1       | UNAVAILABLE: Internal: two lines  [31m |
| empty  | -       | Not loaded: No model version was found |
| simple | 2       | READY                                  |
| simple | 10      | READY                                  |
+--------+---------+----------------------------------------+`,
  );
});
