// The part of `npm run test:interop` with Triton's perf_analyzer alone:  node scripts/run.mjs test/interop/perf-analyzer/run.ts
import { fileURLToPath } from 'node:url';
import { pythonProblem } from '../python-environment.ts';
import { runPerfAnalyzerSuite } from './suite.ts';

const problem = pythonProblem();
if (problem !== undefined) console.log(`skipped: ${problem}`);
else {
  const { failed } = await runPerfAnalyzerSuite(fileURLToPath(new URL('../requirements.txt', import.meta.url)));
  process.exitCode = failed === 0 ? 0 : 1;
}
