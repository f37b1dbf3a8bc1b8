import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ServerLogger, type ServerLoggerOptions } from './logger.ts';

function setUp(options: ServerLoggerOptions = {}) {
  const lines: string[] = [];
  const logger = new ServerLogger({
    write: (line) => lines.push(line),
    now: () => Date.UTC(2024, 8, 20, 12, 34, 56, 123),
    processId: 42,
    ...options,
  });
  return { lines, logger };
}

test('the default format is that of Triton', () => {
  const { lines, logger } = setUp();
  logger.error('failed', 'model_lifecycle.cc');
  logger.warning('careful');
  logger.info('hello');
  assert.deepEqual(lines, [
    'E0920 12:34:56.123000 42 model_lifecycle.cc:1] "failed"\n',
    'W0920 12:34:56.123000 42 server.cc:1] "careful"\n',
    'I0920 12:34:56.123000 42 server.cc:1] "hello"\n',
  ]);
});

test('ISO8601', () => {
  const { lines, logger } = setUp({ settings: { format: 'ISO8601' } });
  logger.error('failed');
  assert.deepEqual(lines, ['2024-09-20T12:34:56Z E 42 server.cc:1] "failed"\n']);
});

test('a message cannot forge a line', () => {
  const { lines, logger } = setUp();
  logger.error("model 'x\nE0920 forged\u001b[31m' failed");
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.indexOf('\n'), (lines[0]?.length ?? 0) - 1);
  assert.ok(!lines[0]?.includes('\u001b'));
});

test('levels', () => {
  const { lines, logger } = setUp({ settings: { infoEnabled: false, warningEnabled: false, verboseLevel: 1 } });
  logger.info('no');
  logger.warning('no');
  logger.verbose(2, 'no');
  logger.verbose(1, 'yes');
  logger.configure({ errorEnabled: false });
  logger.error('no');
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /"yes"/);
});

test('a log file is appended to, and another one may be chosen while running', (context) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'nereid-log-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'server.log');
  const { lines, logger } = setUp({ settings: { file } });
  logger.info('to the file');
  assert.throws(() => logger.configure({ file: path.join(directory, 'nosuch', 'x.log') }), /ENOENT/);
  logger.info('still there');
  logger.configure({ file: '' });
  logger.info('to the stream');
  assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, 2);
  assert.equal(lines.length, 1);
});
