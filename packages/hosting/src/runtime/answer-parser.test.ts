import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AnswerFormatError, type AnswerHead, AnswerParser } from './answer-parser.ts';

interface Seen {
  head: AnswerHead | undefined;
  body: string;
  ended: boolean;
}

function parse(pieces: readonly Buffer[], closes = false): Seen {
  const seen: Seen = { head: undefined, body: '', ended: false };
  const parser = new AnswerParser({
    onHead: (head) => {
      assert.equal(seen.head, undefined, 'one head');
      seen.head = head;
    },
    onBody: (chunk) => {
      assert.ok(seen.head && !seen.ended && chunk.length > 0);
      seen.body += chunk.toString('latin1');
    },
    onEnd: () => {
      assert.equal(seen.ended, false, 'one end');
      seen.ended = true;
    },
  });
  for (const piece of pieces) parser.execute(piece);
  if (closes) parser.finish();
  assert.equal(parser.isDone, seen.ended);
  return seen;
}

const CASES: readonly { name: string; text: string; status: number; body: string; closes?: boolean }[] = [
  {
    name: 'a body with a length',
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    status: 200,
    body: 'hello',
  },
  { name: 'no body', text: 'HTTP/1.1 424 \r\ncontent-length:0\r\n\r\n', status: 424, body: '' },
  { name: 'no body by its status', text: 'HTTP/1.1 204 No Content\r\n\r\n', status: 204, body: '' },
  {
    name: 'chunks, an extension, a trailer',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n, world!!!\r\n0\r\nX-T: 1\r\n\r\n',
    status: 200,
    body: 'hello, world!!!',
  },
  {
    name: 'an interim answer before it',
    text: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno',
    status: 500,
    body: 'no',
  },
  {
    name: 'up to the end',
    text: 'HTTP/1.0 200 OK\r\nX: y\r\n\r\nall of it',
    status: 200,
    body: 'all of it',
    closes: true,
  },
];

for (const { name, text, status, body, closes } of CASES) {
  test(`${name}, cut anywhere`, () => {
    const bytes = Buffer.from(text, 'latin1');
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 6 });
    fc.assert(
      fc.property(cuts, (places) => {
        const edges = [0, ...[...places].sort((a, b) => a - b), bytes.length];
        const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
        const seen = parse(pieces, closes);
        assert.deepEqual([seen.head?.status, seen.body, seen.ended], [status, body, true]);
      }),
    );
  });
}

test('headers by lower-case names, repeated ones joined; who keeps the connection', () => {
  const { head } = parse([
    Buffer.from('HTTP/1.1 200 OK\r\nA: 1\r\na:  2 \r\nConnection: Close\r\nContent-Length: 0\r\n\r\n'),
  ]);
  assert.deepEqual([head?.headers.get('a'), head?.keepsAlive], ['1, 2', false]);
  const old = parse([Buffer.from('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n')]);
  assert.equal(old.head?.keepsAlive, false);
});

test('what is no HTTP answer is told', () => {
  const head = 'HTTP/1.1 200 OK\r\n';
  for (const text of [
    'SSH-2.0-x\r\n\r\n',
    'HTTP/2 200\r\n\r\n',
    `${head}Content-Length: -1\r\n\r\n`,
    `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    `${head}Transfer-Encoding: gzip, chunked\r\n\r\n`,
    `${head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`,
    `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n`,
    `${head}a b: 1\r\n\r\n`,
    `${head} folded: 1\r\n\r\n`,
    `${head}a: 1\nb: 2\r\n\r\n`,
    `${head}Content-Length: 1\r\n\r\nxy`,
    `${head}${'x'.repeat(70_000)}`,
  ]) {
    assert.throws(() => parse([Buffer.from(text)]), AnswerFormatError, text.slice(0, 80));
  }
  assert.throws(() => parse([Buffer.from(`${head}Content-Length: 9\r\n\r\nabc`)], true), AnswerFormatError);
});

test('no bytes make it throw anything else', () => {
  const line = fc.constantFrom(
    'HTTP/1.1 200 OK\r\n',
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    '\r\n',
    '0\r\n',
    'a',
  );
  const piece = fc.oneof(line, fc.string({ unit: 'binary-ascii' })).map((text) => Buffer.from(text, 'latin1'));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        parse(pieces, true);
      } catch (error) {
        assert.ok(error instanceof AnswerFormatError, String(error));
      }
    }),
  );
});
