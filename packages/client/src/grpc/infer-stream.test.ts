import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import {
  ModelInferRequestSchema,
  type ModelInferResponseSchema,
  ModelStreamInferResponseSchema,
} from '@nereid/protocol/grpc-service';
import type { InferRequest } from '../api/index.ts';
import { failureOf } from '../test-support/failure.ts';
import { startGrpcServer } from '../test-support/grpc-server.ts';
import { GrpcClient } from './client.ts';

const REQUEST: InferRequest = { inputs: [{ name: 'I', dataType: 'INT8', shape: [1], data: [1] }] };

type Response = MessageInitShape<typeof ModelInferResponseSchema>;

describe('streams', () => {
  const streamBytes = (message: MessageInitShape<typeof ModelStreamInferResponseSchema>) =>
    toBinary(ModelStreamInferResponseSchema, create(ModelStreamInferResponseSchema, message));
  /** A decoupled model: as many responses as the input says, then an empty one that is the last. */
  const repeat = (bytes: Uint8Array) => {
    const { id, rawInputContents } = fromBinary(ModelInferRequestSchema, bytes);
    const count = rawInputContents[0]?.[0] ?? 0;
    const response = (index: number): Response => ({
      id,
      outputs: [{ name: 'O', datatype: 'INT8', shape: [1n] }],
      rawOutputContents: [Uint8Array.of(index)],
    });
    const final = { triton_final_response: { parameterChoice: { case: 'boolParam' as const, value: true } } };
    const messages = Array.from({ length: count }, (_, index) => streamBytes({ inferResponse: response(index) }));
    return [...messages, streamBytes({ inferResponse: { id, parameters: final } })];
  };

  const withStream = async (
    handler: Parameters<typeof startGrpcServer>[1],
    use: (client: GrpcClient) => Promise<void>,
  ): Promise<void> => {
    const server = await startGrpcServer({}, handler);
    const client = new GrpcClient({ url: server.url });
    try {
      await use(client);
    } finally {
      client.close();
      server.close();
    }
  };

  test('any number of responses to one request', async () => {
    const handler: Parameters<typeof startGrpcServer>[1] = (call) => {
      call.on('data', (bytes: Uint8Array) => {
        for (const message of repeat(bytes)) call.write(message);
      });
      call.on('end', () => call.end());
    };
    await withStream(handler, async (client) => {
      for (const count of [0, 1, 100]) {
        const inputs = [{ name: 'I', dataType: 'UINT8', shape: [1], data: [count] }] as const;
        const values: number[] = [];
        for await (const result of client.inferStream('repeat', { inputs }))
          values.push(result.output('O').as('INT8')[0]!);
        assert.deepEqual(
          values,
          Array.from({ length: count }, (_, index) => index),
        );
      }
      const stream = await client.stream();
      await stream.send('repeat', { id: 'a', inputs: [{ name: 'I', dataType: 'UINT8', shape: [1], data: [1] }] });
      const finals: boolean[] = [];
      for await (const { id, final } of stream) {
        assert.equal(id, 'a');
        finals.push(final);
        if (final) stream.end();
      }
      assert.deepEqual(finals, [false, true]);
    });
  });

  test('leaving the loop cancels; so does the deadline', async () => {
    let cancelled: (() => void) | undefined;
    const seen = new Promise<void>((resolve) => {
      cancelled = resolve;
    });
    const handler: Parameters<typeof startGrpcServer>[1] = (call) => {
      call.on('cancelled', () => cancelled?.());
      // Never ends by itself.
      call.on('data', (bytes: Uint8Array) => call.write(repeat(bytes)[0]!));
    };
    const inputs = [{ name: 'I', dataType: 'UINT8', shape: [1], data: [1] }] as const;
    await withStream(handler, async (client) => {
      for await (const result of client.inferStream('m', { inputs })) {
        assert.equal(result.output('O').length, 1);
        break;
      }
      await seen;
    });
    await withStream(handler, async (client) => {
      const results = client.inferStream('m', { inputs }, { deadlineMs: 100 });
      assert.equal((await results.next()).done, false);
      assert.equal((await failureOf(results.next())).code, 'DEADLINE_EXCEEDED');
    });
  });

  test('a stream that fails: the error comes out of the iteration, however late it begins', async () => {
    const handler: Parameters<typeof startGrpcServer>[1] = (call) => {
      call.emit('error', { code: status.PERMISSION_DENIED, details: 'not you' });
    };
    await withStream(handler, async (client) => {
      const stream = await client.stream();
      await new Promise((resolve) => setTimeout(resolve, 50));
      const error = await failureOf(stream[Symbol.asyncIterator]().next());
      assert.deepEqual([error.code, error.message], ['PERMISSION_DENIED', 'not you']);
      assert.equal((await failureOf(stream.send('m', REQUEST))).code, 'PERMISSION_DENIED');
    });
  });

  test('messages that are none are INVALID_RESPONSE', async () => {
    for (const bytes of [Uint8Array.of(255), new Uint8Array(0)]) {
      const handler: Parameters<typeof startGrpcServer>[1] = (call) => {
        call.write(bytes);
        call.on('data', () => {});
      };
      await withStream(handler, async (client) => {
        assert.equal((await failureOf(client.inferStream('m', REQUEST).next())).code, 'INVALID_RESPONSE');
      });
    }
  });
});
