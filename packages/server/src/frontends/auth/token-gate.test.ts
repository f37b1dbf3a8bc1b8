import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Logger } from '../../inference/index.ts';
import { SILENT } from '../test-support/frontends.ts';
import { TokenGate, type TokenGateOptions } from './index.ts';
import { tokenDigest } from './token-file.ts';

const TOKEN = 'correct-horse-battery';
const OTHER = 'staple-correct-horse';

function makeGate(context: TestContext, contents: string, options: Partial<TokenGateOptions> = {}) {
  const tokenFile = join(tmpdir(), `nereid-tokens-${randomUUID()}`);
  writeFileSync(tokenFile, contents, { mode: 0o600 });
  const gate = new TokenGate({ tokenFile, log: SILENT, ...options });
  context.after(() => {
    gate.close();
    rmSync(tokenFile, { force: true });
  });
  return { gate, tokenFile };
}

const bearer = (token: string): IncomingHttpHeaders => ({ authorization: `Bearer ${token}` });
const kindOf = (gate: TokenGate, headers: IncomingHttpHeaders, api: 'inference' | 'trace' | undefined = 'inference') =>
  gate.denial(headers, api)?.kind;

test('a token as bearer token or API key', (context) => {
  const { gate } = makeGate(context, TOKEN);
  assert.equal(kindOf(gate, bearer(TOKEN)), undefined);
  assert.equal(kindOf(gate, { authorization: `bearer  ${TOKEN} ` }), undefined);
  assert.equal(kindOf(gate, { 'x-api-key': TOKEN }), undefined);
  assert.equal(kindOf(gate, { authorization: 'Basic Zm9vOmJhcg==', 'x-api-key': TOKEN }), undefined);
});

test('anything else is kept out, and the challenge says why', (context) => {
  const { gate } = makeGate(context, TOKEN);
  for (const headers of [
    {},
    { authorization: '' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer ' },
    { authorization: TOKEN },
    { authorization: `Basic ${TOKEN}` },
    { authorization: `Bearer ${TOKEN} ${TOKEN}` },
    { 'x-api-key': '' },
    { cookie: `token=${TOKEN}` },
  ] satisfies IncomingHttpHeaders[]) {
    assert.deepEqual(gate.denial(headers, 'inference'), {
      kind: 'unauthenticated',
      message: "authentication is required: send 'Authorization: Bearer <token>' or 'X-API-Key: <token>'",
      challenge: 'Bearer realm="nereid"',
    });
  }
  for (const token of [
    TOKEN.slice(0, -1),
    `${TOKEN}x`,
    TOKEN.toUpperCase(),
    `${TOKEN}\0`,
    `sha256:${tokenDigest(TOKEN).toString('hex')}`,
    tokenDigest(TOKEN).toString('hex'),
    '__proto__',
    'x'.repeat(16_000),
    '\u{1f511}'.repeat(20),
  ]) {
    assert.deepEqual(gate.denial(bearer(token), 'inference'), {
      kind: 'unauthenticated',
      message: 'the token is not valid',
      challenge: 'Bearer realm="nereid", error="invalid_token"',
    });
    assert.equal(kindOf(gate, { 'x-api-key': token }), 'unauthenticated');
  }
  assert.equal(
    kindOf(gate, { authorization: `Bearer ${OTHER}`, 'x-api-key': TOKEN }),
    'unauthenticated',
    'the bearer token counts',
  );
});

test('tokens open what the file says, and unknown paths only for those that open everything', (context) => {
  const { gate } = makeGate(context, `${TOKEN} inference\n${OTHER}\n`);
  assert.equal(kindOf(gate, bearer(TOKEN)), undefined);
  assert.deepEqual(gate.denial(bearer(TOKEN), 'trace'), {
    kind: 'forbidden',
    message: 'the token does not open this API',
    challenge: 'Bearer realm="nereid", error="insufficient_scope"',
  });
  assert.equal(gate.denial(bearer(TOKEN), undefined)?.kind, 'forbidden');
  assert.equal(gate.denial(bearer(OTHER), undefined), undefined);
});

test('public APIs need no token', (context) => {
  const { gate } = makeGate(context, TOKEN, { publicApis: new Set(['health']) });
  assert.equal(gate.denial({}, 'health'), undefined);
  assert.equal(gate.denial(bearer('wrong-wrong-wrong-wrong'), 'health'), undefined);
  assert.equal(kindOf(gate, {}), 'unauthenticated');
  assert.equal(gate.denial({}, undefined)?.kind, 'unauthenticated');
});

test('the file is read again when it changes; one that cannot be used changes nothing', async (context) => {
  const messages: string[] = [];
  const changed = { resolve: (): void => {} };
  const note = (message: string): void => {
    messages.push(message);
    changed.resolve();
  };
  const log: Logger = { ...SILENT, info: note, error: note };
  const { gate, tokenFile } = makeGate(context, TOKEN, { log, watchIntervalMs: 5 });
  const write = async (contents: string): Promise<void> => {
    const seen = new Promise<void>((resolve) => {
      changed.resolve = resolve;
    });
    writeFileSync(tokenFile, contents);
    await seen;
  };
  await write(`${OTHER}\n`);
  assert.equal(kindOf(gate, bearer(TOKEN)), 'unauthenticated');
  assert.equal(kindOf(gate, bearer(OTHER)), undefined);
  await write('short\n# and something that makes it longer');
  assert.equal(kindOf(gate, bearer(OTHER)), undefined);
  assert.deepEqual(messages, [
    `read 1 tokens from '${tokenFile}'`,
    `--auth-token-file '${tokenFile}' cannot be used: the token file line 1: a token needs at least 16 characters; the tokens read before stay valid`,
  ]);
});

test('a file that is not there, or lies open, is said at the start', (context) => {
  assert.throws(() => new TokenGate({ tokenFile: '/nowhere/tokens', log: SILENT }), {
    name: 'StatusError',
    message: /^--auth-token-file '\/nowhere\/tokens' cannot be used: ENOENT/,
  });
  const warnings: string[] = [];
  const log: Logger = { ...SILENT, warning: (message) => void warnings.push(message) };
  const { tokenFile } = makeGate(context, TOKEN, { log });
  assert.deepEqual(warnings, []);
  rmSync(tokenFile);
  writeFileSync(tokenFile, TOKEN, { mode: 0o644 });
  new TokenGate({ tokenFile, log }).close();
  assert.deepEqual(warnings, [`the token file '${tokenFile}' can be read by every user of this machine`]);
});
