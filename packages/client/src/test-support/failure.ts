import assert from 'node:assert/strict';
import { InferenceServerError } from '../errors/index.ts';

/** What a call rejects with, which must be an InferenceServerError. */
export async function failureOf(call: Promise<unknown>): Promise<InferenceServerError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof InferenceServerError, String(error));
    return error;
  }
  return assert.fail('the call succeeded');
}
