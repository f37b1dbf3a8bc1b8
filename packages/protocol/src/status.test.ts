import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from './status.ts';

test('a refusal is a failure without a stack trace; other errors keep theirs', () => {
  const refusal = StatusError.refusal('UNAVAILABLE', 'full');
  assert.ok(refusal instanceof StatusError);
  assert.deepEqual([refusal.code, refusal.message, refusal.name], ['UNAVAILABLE', 'full', 'StatusError']);
  assert.doesNotMatch(refusal.stack ?? '', /\n\s+at /);
  assert.match(new StatusError('INTERNAL', 'broken').stack ?? '', /\n\s+at /);
});

test('what is thrown becomes a StatusError once', () => {
  const error = new StatusError('NOT_FOUND', 'gone');
  assert.equal(StatusError.from(error), error);
  const other = StatusError.from(new RangeError('too far'));
  assert.deepEqual([other.code, other.message], ['INTERNAL', 'too far']);
  assert.ok(other.cause instanceof RangeError);
});
