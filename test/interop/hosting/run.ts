// The hosting part of `npm run test:interop` alone. Needs python3 with venv, and PyPI for the first run.
import { pythonProblem } from '../python-environment.ts';
import { runHostingSuite } from './suite.ts';

const problem = pythonProblem();
if (problem !== undefined) console.log(`skipped: ${problem}`);
else {
  const { passed, failed } = await runHostingSuite();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
