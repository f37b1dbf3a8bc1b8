import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInt32 } from './integer.ts';

test('integers are read as std::stoi reads them', () => {
  const cases: readonly (readonly [string, number | string])[] = [
    ['190', 190],
    ['+190', 190],
    ['-1', -1],
    [' 10.5', 10],
    ['190x', 190],
    ['0x10', 0],
    ['', 'invalid'],
    ['abc', 'invalid'],
    ['+', 'invalid'],
    ['2147483647', 2147483647],
    ['2147483648', 'range'],
    ['-2147483649', 'range'],
    ['99999999999999999999', 'range'],
  ];
  for (const [text, value] of cases) assert.equal(parseInt32(text), value, text);
});
