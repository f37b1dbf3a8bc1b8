import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestWord } from './nearest-word.ts';

test('what a misspelled word was meant to be', () => {
  const types = ['TYPE_BOOL', 'TYPE_UINT32', 'TYPE_INT32', 'TYPE_FP32', 'TYPE_STRING'];
  const cases: readonly (readonly [string, readonly string[], string | undefined])[] = [
    ['TYPE_INT_32', types, 'TYPE_INT32'],
    ['INT32', types, 'TYPE_INT32'],
    ['type_fp32', types, 'TYPE_FP32'],
    ['TYPE_FP23', types, 'TYPE_FP32'],
    ['TYPE_COMPLEX', types, undefined],
    ['dynamic_batcing', ['dynamic_batching', 'sequence_batching'], 'dynamic_batching'],
    ['resnet', ['resnet50', 'inception'], 'resnet50'],
    ['simpel', ['sample_large', 'simple'], 'simple'],
    ['C', ['a', 'b', 'c'], 'c'],
    ['C', ['a', 'B'], undefined],
    ['same', ['same'], undefined],
    ['人', ['犬'], undefined],
    ['x'.repeat(1_000), ['x'.repeat(1_001)], undefined],
    ['', ['a'], undefined],
  ];
  for (const [word, candidates, meant] of cases) assert.equal(nearestWord(word, candidates), meant, word);
});
