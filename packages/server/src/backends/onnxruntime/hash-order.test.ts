import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { unorderedMapOrder } from './hash-order.ts';

describe('unorderedMapOrder', () => {
  it('lists as libstdc++ does', () => {
    // Printed by a C++ program that puts the names into an unordered_map in this order.
    assert.deepEqual(unorderedMapOrder(['INPUT0', 'INPUT1']), ['INPUT1', 'INPUT0']);
    assert.deepEqual(unorderedMapOrder(['a', 'b', 'c', 'd', 'e']), ['e', 'c', 'b', 'd', 'a']);
    const twenty = Array.from({ length: 20 }, (_, index) => `tensor_name_${index}`);
    assert.deepEqual(unorderedMapOrder(twenty), TWENTY);
  });

  it('loses and repeats nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 100 }), (names) => {
        assert.deepEqual(unorderedMapOrder(names).sort(), [...new Set(names)].sort());
      }),
    );
  });
});

const TWENTY = [
  'tensor_name_19',
  'tensor_name_18',
  'tensor_name_16',
  'tensor_name_17',
  'tensor_name_15',
  'tensor_name_13',
  'tensor_name_0',
  'tensor_name_1',
  'tensor_name_4',
  'tensor_name_2',
  'tensor_name_14',
  'tensor_name_9',
  'tensor_name_3',
  'tensor_name_5',
  'tensor_name_6',
  'tensor_name_8',
  'tensor_name_7',
  'tensor_name_10',
  'tensor_name_11',
  'tensor_name_12',
];
