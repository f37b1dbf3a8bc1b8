import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelTable } from './startup-table.ts';

test('models are listed by name and version, with the reason of what is not ready', () => {
  const table = modelTable([
    { name: 'simple', version: 10, state: 'READY' },
    { name: 'simple', version: 2, state: 'READY' },
    { name: 'broken', version: 1, state: 'UNAVAILABLE', reason: 'Internal: two\nlines \u001b[31m' },
    { name: 'empty' },
  ]);
  assert.equal(
    table,
    `+--------+---------+----------------------------------------+
| Model  | Version | Status                                 |
+--------+---------+----------------------------------------+
| broken | 1       | UNAVAILABLE: Internal: two lines [31m  |
| empty  | -       | Not loaded: No model version was found |
| simple | 2       | READY                                  |
| simple | 10      | READY                                  |
+--------+---------+----------------------------------------+`,
  );
});
