// The parts of `npm run test:interop` with what tritonclient offers around inference, and with KServe's clients, alone.
import { fileURLToPath } from 'node:url';
import { runKserveSuite } from '../kserve/suite.ts';
import { pythonProblem } from '../python-environment.ts';
import { runClientFeaturesSuite } from './suite.ts';

const problem = pythonProblem();
if (problem !== undefined) console.log(`skipped: ${problem}`);
else {
  const features = await runClientFeaturesSuite(fileURLToPath(new URL('../requirements.txt', import.meta.url)));
  const kserve = await runKserveSuite();
  process.exitCode = features.failed + kserve.failed === 0 ? 0 : 1;
}
