import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '@nereid/protocol';
import { requestEncoding, responseEncoding } from './compression.ts';
import { DEFAULT_KEEP_ALIVE, PingPolicy } from './ping-policy.ts';
import { encodeStatusMessage, GRPC_STATUS, GrpcError, grpcStatus } from './status.ts';
import { parseTimeout } from './timeout.ts';

test('neutral codes map as in Triton; anything else that is thrown is INTERNAL', () => {
  assert.deepEqual(grpcStatus(new StatusError('INVALID_ARG', 'no')), {
    code: GRPC_STATUS.INVALID_ARGUMENT,
    message: 'no',
  });
  assert.deepEqual(grpcStatus(new StatusError('UNSUPPORTED', 'no')), {
    code: GRPC_STATUS.UNIMPLEMENTED,
    message: 'no',
  });
  assert.deepEqual(grpcStatus(new Error('oops')), { code: GRPC_STATUS.INTERNAL, message: 'oops' });
});

test('status messages are percent-encoded and bounded', () => {
  assert.equal(encodeStatusMessage("plain 'text' [1]"), "plain 'text' [1]");
  assert.equal(encodeStatusMessage('50%\n'), '50%25%0A');
  assert.equal(encodeStatusMessage(' got [1,2]. '), '%20got [1,2].%20');
  assert.equal(decodeURIComponent(encodeStatusMessage('größe ✓')), 'größe ✓');
  assert.ok(encodeStatusMessage('x'.repeat(1_000_000)).length <= 4100);
});

test('timeouts in every unit', () => {
  assert.equal(parseTimeout(undefined), undefined);
  assert.deepEqual(['1H', '2M', '3S', '4m', '5000u', '6n'].map(parseTimeout), [3_600_000, 120_000, 3000, 4, 5, 1]);
  assert.equal(parseTimeout('99999999H'), 2 ** 31 - 1);
  for (const wrong of ['', '1', 'S', '-1S', '1.5S', '123456789S', '1s']) {
    assert.throws(() => parseTimeout(wrong), GrpcError, wrong);
  }
});

test('compression levels choose as the C++ library does', () => {
  const both = 'identity, deflate, gzip';
  assert.deepEqual(
    (['none', 'low', 'medium', 'high'] as const).map((level) => responseEncoding(level, both)),
    ['identity', 'gzip', 'deflate', 'deflate'],
  );
  assert.equal(responseEncoding('high', 'identity,gzip'), 'gzip');
  assert.equal(responseEncoding('high', 'identity,br'), 'identity');
  assert.equal(responseEncoding('high', undefined), 'identity');
  assert.throws(() => requestEncoding('br'), GrpcError);
});

test('pings that come too soon are strikes, data sent clears them', () => {
  const policy = new PingPolicy(DEFAULT_KEEP_ALIVE);
  assert.deepEqual(
    [0, 1, 2].map((at) => policy.received(at, true)),
    [true, true, true],
  );
  assert.equal(policy.received(3, true), false);
  policy.dataSent();
  assert.equal(policy.received(4, true), true);
  assert.equal(policy.received(4 + 300_000, true), true);
});

test('without calls a ping in two hours is allowed, unless they are permitted', () => {
  const strict = new PingPolicy({ ...DEFAULT_KEEP_ALIVE, maxPingStrikes: 1 });
  const atOneHourSteps = [0, 1, 2].map((hour) => strict.received(hour * 3_600_000, false));
  assert.deepEqual(atOneHourSteps, [true, true, false]);
  const open = new PingPolicy({ ...DEFAULT_KEEP_ALIVE, maxPingStrikes: 1, permitWithoutCalls: true });
  assert.deepEqual(
    [0, 1, 2].map((hour) => open.received(hour * 3_600_000, false)),
    [true, true, true],
  );
});

test('the server sends no more pings without data than it may', () => {
  const policy = new PingPolicy(DEFAULT_KEEP_ALIVE);
  assert.deepEqual(
    [policy.maySend(false), policy.maySend(true), policy.maySend(true), policy.maySend(true)],
    [false, true, true, false],
  );
  policy.dataSent();
  assert.equal(policy.maySend(true), true);
  const unlimited = new PingPolicy({ ...DEFAULT_KEEP_ALIVE, maxPingsWithoutData: 0 });
  assert.ok(Array.from({ length: 100 }, () => unlimited.maySend(true)).every(Boolean));
});
