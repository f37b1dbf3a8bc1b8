import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

/** By these ONNX Runtime would keep quiet anyway. */
const SILENCING = ['CI', 'TF_BUILD', 'GITHUB_ACTIONS', 'ORT_RUNNING_UNIT_TESTS', 'ORT_DISABLE_TELEMETRY'];

test('ONNX Runtime collects nothing: loading a model leaves no identifier and no events in the home directory', (context) => {
  const home = mkdtempSync(path.join(tmpdir(), 'nereid-home-'));
  context.after(() => rmSync(home, { recursive: true }));
  const kept = Object.entries(process.env).filter(([name]) => !SILENCING.includes(name));
  const environment = { ...Object.fromEntries(kept), HOME: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home };
  const program = path.join(import.meta.dirname, 'test-support', 'load-and-report.ts');
  const output = execFileSync(process.execPath, [program], { env: environment, encoding: 'utf8' });
  assert.match(output, /^\d+\.\d+\.\d+\n$/);
  assert.deepEqual(readdirSync(home, { recursive: true }), []);
});
