// The example clients of `npm run test:interop` alone:  node scripts/run.mjs test/interop/examples/run.ts [FOLDER OF THE SCRIPTS]
import { fileURLToPath } from 'node:url';
import { pythonProblem } from '../python-environment.ts';
import { runExamplesSuite } from './suite.ts';

const problem = pythonProblem();
if (problem !== undefined) console.log(`skipped: ${problem}`);
else {
  const requirements = fileURLToPath(new URL('../requirements.txt', import.meta.url));
  const { failed } = await runExamplesSuite(requirements, process.argv[2]);
  process.exitCode = failed === 0 ? 0 : 1;
}
