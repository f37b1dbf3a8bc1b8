import assert from 'node:assert/strict';
import { type StatusCode, StatusError } from '@nereid/protocol';

/** For assert.throws and assert.rejects: a StatusError of this code with exactly this message. */
export function throwsStatus(code: StatusCode, message: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StatusError, String(error));
    assert.equal(error.message, message);
    assert.equal(error.code, code);
    return true;
  };
}
