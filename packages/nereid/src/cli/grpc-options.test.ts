import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlags } from './flags/index.ts';
import { grpcOptions } from './grpc-options.ts';

function options(flags: readonly string[]) {
  return grpcOptions(parseFlags(['--model-repository=models', ...flags]).values).grpc;
}

test('gRPC listens at port 8001 without TLS unless flags say otherwise', () => {
  const grpc = options([]);
  assert.deepEqual([grpc?.host, grpc?.port, grpc?.compressionLevel, grpc?.tls], ['0.0.0.0', 8001, 'none', undefined]);
  assert.deepEqual([grpc?.keepAlive?.timeMs, grpc?.keepAlive?.timeoutMs], [7_200_000, 20_000]);
  assert.equal(options(['--allow-grpc=false']), undefined);
});

test('asking for client certificates asks for TLS', () => {
  const files = ['--grpc-server-cert=c', '--grpc-server-key=k', '--grpc-root-cert=r'];
  const tls = { certificateFile: 'c', keyFile: 'k', rootFile: 'r' };
  assert.deepEqual(options(['--grpc-use-ssl=true', ...files])?.tls, { ...tls, mutual: false });
  assert.deepEqual(options(['--grpc-use-ssl-mutual=true', ...files])?.tls, { ...tls, mutual: true });
});

test('every setting of connections and calls reaches the front end', () => {
  const grpc = options([
    '--grpc-keepalive-time=1',
    '--grpc-keepalive-timeout=2',
    '--grpc-keepalive-permit-without-calls=true',
    '--grpc-http2-max-pings-without-data=3',
    '--grpc-http2-min-recv-ping-interval-without-data=4',
    '--grpc-http2-max-ping-strikes=5',
    '--grpc-max-connection-age=6',
    '--grpc-max-connection-age-grace=7',
    '--grpc-infer-response-compression-level=high',
    '--grpc-header-forward-pattern=x-.*',
    '--grpc-restricted-protocol=health:key=open',
    '--reuse-grpc-port=true',
  ]);
  assert.deepEqual(grpc?.keepAlive, {
    timeMs: 1,
    timeoutMs: 2,
    permitWithoutCalls: true,
    maxPingsWithoutData: 3,
    minReceivedPingIntervalMs: 4,
    maxPingStrikes: 5,
    maxConnectionAgeMs: 6,
    maxConnectionAgeGraceMs: 7,
  });
  assert.deepEqual([grpc.compressionLevel, grpc.headerForwardPattern, grpc.reusePort], ['high', 'x-.*', true]);
  assert.deepEqual(grpc.restrictions?.get('health'), { header: 'triton-grpc-protocol-key', value: 'open' });
});
