import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyBudget } from '../../wire/body-reader.ts';
import { ReadGarbage } from '../../wire/read-garbage.ts';
import { MessageReader } from './message-reader.ts';
import { GRPC_STATUS, GrpcError } from './status.ts';

interface Message {
  readonly bytes: Buffer;
  readonly compressed: boolean;
}

function frame({ bytes, compressed }: Message): Buffer {
  const framed = Buffer.alloc(5 + bytes.length);
  framed[0] = Number(compressed);
  framed.writeUInt32BE(bytes.length, 1);
  bytes.copy(framed, 5);
  return framed;
}

function collect(maxBytes = 2 ** 31, budgetBytes = 2 ** 40) {
  const messages: Message[] = [];
  const budget = new BodyBudget(budgetBytes);
  const reader = new MessageReader(maxBytes, { budget, garbage: new ReadGarbage() }, (bytes, compressed) =>
    messages.push({ bytes, compressed }),
  );
  return { reader, messages, budget };
}

const message = fc.record(
  {
    bytes: fc
      .oneof(
        fc.uint8Array({ maxLength: 50 }),
        fc.nat(70_000).map((length) => new Uint8Array(length).fill(3)),
      )
      .map((bytes) => Buffer.from(bytes)),
    compressed: fc.boolean(),
  },
  { noNullPrototype: true },
);

test('however the data is cut, the messages are the same', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1 }),
      (sent, cuts) => {
        const { reader, messages, budget } = collect();
        let rest = Buffer.concat(sent.map(frame));
        for (let index = 0; rest.length > 0; index++) {
          const length = cuts[index % cuts.length]!;
          reader.push(rest.subarray(0, length));
          rest = rest.subarray(length);
        }
        assert.deepEqual(messages, sent);
        assert.equal(reader.partial, false);
        assert.ok(budget.take(2 ** 40), 'everything charged was given back');
      },
    ),
  );
});

test('a message that lies in one piece is not copied', () => {
  const { reader, messages } = collect();
  const data = frame({ bytes: Buffer.alloc(1000), compressed: false });
  reader.push(data);
  assert.equal(messages[0]!.bytes.buffer, data.buffer);
});

test('the end of a gathered message is aligned, so that its last tensor is', () => {
  const { reader, messages } = collect();
  const data = frame({ bytes: Buffer.alloc(5003), compressed: false });
  reader.push(data.subarray(0, 100));
  reader.push(data.subarray(100));
  const { bytes } = messages[0]!;
  assert.equal((bytes.byteOffset + bytes.length) % 64, 0);
});

function refusal(code: number, text: RegExp) {
  return (error: unknown) => error instanceof GrpcError && error.status.code === code && text.test(error.message);
}

test('a message over the limit is refused by its prefix', () => {
  const { reader } = collect(1000);
  const prefix = Buffer.from([0, 0, 0, 3, 233]);
  assert.throws(
    () => reader.push(prefix),
    refusal(GRPC_STATUS.RESOURCE_EXHAUSTED, /larger than max \(1001 vs\. 1000\)/),
  );
});

test('a prefix that announces two gigabytes takes a megabyte until they come', () => {
  const { reader, budget } = collect(2 ** 32, 2 * 1024 * 1024);
  reader.push(Buffer.from([0, 0x7f, 255, 255, 255, 1, 2, 3]));
  assert.ok(reader.partial);
  assert.ok(budget.take(900 * 1024), 'the rest of the budget is free');
  reader.abandon();
  assert.equal(reader.partial, false);
});

test('messages in flight share one budget', () => {
  const { reader } = collect(2 ** 31, 1000);
  const data = frame({ bytes: Buffer.alloc(5000), compressed: false });
  assert.throws(() => reader.push(data.subarray(0, 10)), refusal(GRPC_STATUS.RESOURCE_EXHAUSTED, /memory set aside/));
});

test('a flag that gRPC does not know is refused', () => {
  const { reader } = collect();
  assert.throws(() => reader.push(Buffer.from([2, 0, 0, 0, 0])), refusal(GRPC_STATUS.INTERNAL, /flag: 2/));
});
