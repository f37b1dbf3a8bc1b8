// `npm run test:interop`: clients that others wrote, against the real server. Needs python3 with venv, and PyPI for the first run.
//
//   npm run test:interop -- --examples DIR    runs the example scripts of Triton's client repository (its src/python/examples) unchanged
//
// TRITON_CLIENT_EXAMPLES=DIR says the same.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runClientFeaturesSuite } from './client-features/suite.ts';
import { runExamplesSuite } from './examples/suite.ts';
import { runGrpcClientSuite } from './grpc/suite.ts';
import { runHostingSuite } from './hosting/suite.ts';
import { runKserveSuite } from './kserve/suite.ts';
import { runPerfAnalyzerSuite } from './perf-analyzer/suite.ts';
import { pythonProblem } from './python-environment.ts';
import type { SuiteResult } from './result.ts';
import { runTritonClientSuite } from './triton-client/suite.ts';

const { values } = parseArgs({ options: { examples: { type: 'string' } } });
const scripts = values.examples ?? process.env['TRITON_CLIENT_EXAMPLES'];
/** What the suites of `tritonclient` share, so that it is installed once. */
const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));

const SUITES: readonly { readonly title: string; readonly run: () => Promise<SuiteResult> }[] = [
  {
    title: 'tritonclient over HTTP, and its bodies in container mode',
    run: () => runTritonClientSuite(requirements),
  },
  { title: "tritonclient's example clients", run: () => runExamplesSuite(requirements, scripts) },
  {
    title: 'tritonclient: deadlines, cancelling, large tensors, plugins, TLS',
    run: () => runClientFeaturesSuite(requirements),
  },
  { title: "KServe's clients", run: runKserveSuite },
  { title: "Triton's perf_analyzer", run: () => runPerfAnalyzerSuite(requirements) },
  { title: 'boto3, the AWS CLI and the AWS SDK for JavaScript on a host', run: runHostingSuite },
  {
    title: 'tritonclient over gRPC, and gRPC health and reflection clients',
    run: () => runGrpcClientSuite(requirements),
  },
];

const problem = pythonProblem();
if (problem !== undefined) {
  console.log(`skipped: ${problem}`);
} else {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { title, run } of SUITES) {
    console.log(`── ${title}`);
    const startMs = performance.now();
    const result = await run().catch((error: unknown) => {
      console.error(error);
      return { passed: 0, failed: 1, skipped: 0 };
    });
    total.passed += result.passed;
    total.failed += result.failed;
    total.skipped += result.skipped ?? 0;
    console.log(`   ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}
