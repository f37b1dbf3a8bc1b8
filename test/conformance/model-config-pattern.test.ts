import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grepPattern } from './model-config-pattern.ts';

describe('a grep pattern', () => {
  it('takes parentheses, braces, plus and question mark as they stand', () => {
    assert.ok(grepPattern('f(x) {1} a+b? c|d').test('f(x) {1} a+b? c|d'));
    assert.ok(grepPattern('\\(ab\\)\\{2\\}').test('abab'));
    assert.ok(!grepPattern('a+').test('aa'));
  });

  it('takes brackets and dots as expressions unless they are escaped', () => {
    assert.ok(grepPattern('range \\[1, 3\\]').test('in range [1, 3] for'));
    assert.ok(grepPattern('[]a]x').test(']x'));
    assert.ok(grepPattern('[^a]x').test('bx'));
    assert.ok(!grepPattern('[^a]x').test('ax'));
    assert.ok(grepPattern('no.such').test('no such'));
    assert.ok(grepPattern('open [bracket').test('open [bracket'));
  });

  it('takes lines as alternatives and no notice of the last line break', () => {
    assert.ok(grepPattern('one\ntwo\n').test('has two of them'));
    assert.ok(!grepPattern('one\n').test('none of them'.replace('one', '')));
  });
});
