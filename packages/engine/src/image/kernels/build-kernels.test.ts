import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KERNEL_SOURCE_HASH } from '../gen/kernels.ts';
import { kernelSourceHash } from './build-kernels.ts';

test('the committed kernels were built from the present sources', async () => {
  assert.equal(await kernelSourceHash(), KERNEL_SOURCE_HASH, 'run `npm run build:wasm`');
});
