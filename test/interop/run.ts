// `npm run test:interop`: clients that others wrote, against the real server. Needs python3 with venv, and PyPI for the first run.
import { runGrpcClientSuite } from './grpc/suite.ts';
import { runHostingSuite } from './hosting/suite.ts';
import { type PythonTestResult, pythonProblem } from './python-environment.ts';
import { runTritonClientSuite } from './triton-client/suite.ts';

const SUITES: readonly { readonly title: string; readonly run: () => Promise<PythonTestResult> }[] = [
  { title: 'tritonclient over HTTP, and its bodies in container mode', run: runTritonClientSuite },
  { title: 'boto3, the AWS CLI and the AWS SDK for JavaScript on a host', run: runHostingSuite },
  { title: 'tritonclient over gRPC, and gRPC health and reflection clients', run: runGrpcClientSuite },
];

const problem = pythonProblem();
if (problem !== undefined) {
  console.log(`skipped: ${problem}`);
} else {
  let passed = 0;
  let failed = 0;
  for (const { title, run } of SUITES) {
    console.log(`── ${title}`);
    const result = await run().catch((error: unknown) => {
      console.error(error);
      return { passed: 0, failed: 1 };
    });
    passed += result.passed;
    failed += result.failed;
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
