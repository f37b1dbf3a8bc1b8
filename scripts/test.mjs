// `npm test`: everything that has to pass, in the order of what fails fastest.
//
//   npm test                     all steps
//   npm test -- lint unit        only these
//
// It starts on the system's Node and installs first if need be, so it is all a fresh clone needs.
import { availableParallelism } from 'node:os';
import { ensureInstalled, run, runNode } from './lib/install.mjs';

/** A test file that hangs is ended. */
const TEST_TIMEOUT_MS = 300_000;

const binary = (name) => `node_modules/.bin/${name}`;

/** name -> what it checks, and how. */
const STEPS = [
  ['lock', 'package-lock.json is complete', () => runNode(['scripts/complete-lock.mjs', '--check'])],
  ['types', 'TypeScript', () => run(binary('tsc'), ['-p', '.'])],
  [
    'lint',
    'format and lint',
    () => run(binary('biome'), ['ci', '--diagnostic-level=warn', '--max-diagnostics=50', '--reporter=concise']),
  ],
  ['layers', 'who may import whom', () => runNode(['scripts/check-layers.ts'])],
  ['files', 'file sizes and leftovers', () => runNode(['scripts/check-files.ts'])],
  ['generated', 'generated files are current', () => runNode(['scripts/generate.ts', '--check'])],
  [
    'unused',
    'unused code and dependencies',
    () => runNode(['node_modules/knip/bin/knip.js', '--no-progress', '--no-config-hints']),
  ],
  [
    'unit',
    'unit tests',
    () =>
      runTests([
        'packages/*/src/**/*.test.ts',
        'packages/*/test/**/*.test.ts',
        'scripts/**/*.test.ts',
        'test/conformance/**/*.test.ts',
      ]),
  ],
  ['e2e', 'end-to-end tests', () => runTests(['test/e2e/**/*.test.ts'])],
];

await ensureInstalled();
process.exit(await main(process.argv.slice(2)));

async function main(wanted) {
  const unknown = wanted.filter((name) => !STEPS.some(([step]) => step === name));
  if (unknown.length > 0) {
    console.error(`no such step: ${unknown.join(', ')}. There are: ${STEPS.map(([name]) => name).join(', ')}`);
    return 2;
  }
  const results = [];
  for (const [name, title, action] of STEPS) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(`\n── ${name}: ${title}`);
    const startMs = Date.now();
    const code = await action();
    results.push({ name, seconds: (Date.now() - startMs) / 1000, code });
    if (code === 130 || code === 143) return code;
  }
  console.log('');
  for (const { name, seconds, code } of results) {
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s`);
  }
  const failed = results.filter(({ code }) => code !== 0);
  console.log(failed.length === 0 ? 'All checks passed.' : `Failed: ${failed.map(({ name }) => name).join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

/** The pinned Node expands the patterns itself. */
function runTests(patterns) {
  const options = [`--test-concurrency=${availableParallelism()}`, `--test-timeout=${TEST_TIMEOUT_MS}`];
  return runNode(['--test', '--test-reporter=spec', ...options, ...patterns]);
}
