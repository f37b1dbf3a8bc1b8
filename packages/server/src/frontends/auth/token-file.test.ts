import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '@nereid/protocol';
import fc from 'fast-check';
import { parseTokenFile, tokenDigest } from './token-file.ts';

const TOKEN = 'correct-horse-battery';

test('tokens, digests, comments, and the APIs they open', () => {
  const text = `\ufeff# clients\r\n\r\n${TOKEN}\r\n  sha256:${tokenDigest('another-long-token').toString('hex')}  inference,health \n${TOKEN}2 all\n`;
  const entries = parseTokenFile(text);
  assert.deepEqual(
    entries.map(({ digest, apis }) => [digest.toString('hex'), apis === undefined ? 'all' : [...apis]]),
    [
      [tokenDigest(TOKEN).toString('hex'), 'all'],
      [tokenDigest('another-long-token').toString('hex'), ['inference', 'health']],
      [tokenDigest(`${TOKEN}2`).toString('hex'), 'all'],
    ],
  );
});

test('what cannot be used is named by its line, and never quoted', () => {
  const secret = 'secret-secret-secret';
  for (const [text, reason] of [
    ['', 'the token file has no token in it'],
    ['# only\n\n', 'the token file has no token in it'],
    [`${secret}\nshort-secret`, 'the token file line 2: a token needs at least 16 characters'],
    [`${secret}é`, 'the token file line 1: a token consists of printable ASCII characters'],
    [
      `\n${secret} inference, health`,
      'the token file line 2: expected a token and, after it, names of APIs without spaces',
    ],
    [`sha256:${secret}`, 'the token file line 1: sha256: needs 64 hexadecimal digits'],
    [
      `${secret} everything`,
      /^the token file line 1: expected names of APIs \(all, health, .*metrics\) after the token$/,
    ],
    ['x'.repeat(2 ** 20 + 1), 'the token file is larger than 1048576 bytes'],
  ] as const) {
    assert.throws(
      () => parseTokenFile(text),
      (error) => {
        assert.ok(error instanceof StatusError);
        if (typeof reason === 'string') assert.equal(error.message, reason);
        else assert.match(error.message, reason);
        assert.ok(!error.message.includes('secret'));
        return true;
      },
    );
  }
});

test('any text gives tokens or a StatusError', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      try {
        return parseTokenFile(text).every(({ digest }) => digest.length === 32);
      } catch (error) {
        return error instanceof StatusError;
      }
    }),
  );
});
