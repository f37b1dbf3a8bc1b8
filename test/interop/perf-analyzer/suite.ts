import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../../conformance/server-process.ts';
import { writeExampleRepository, writeFurtherExamples } from '../../support/example-models.ts';
import { writeModel } from '../../support/model-repository.ts';
import { pythonEnvironment } from '../python-environment.ts';
import { type SuiteResult, Tally } from '../result.ts';
import { type PerfAnalyzer, perfAnalyzer } from './binary.ts';
import { INPUT_DATA, PERF_CASES, type PerfCase, problemOf } from './cases.ts';
import { parseReport } from './report.ts';

const CASE_TIMEOUT_MS = 120_000;

/** Triton's `perf_analyzer`: it reads metadata, configuration and statistics, and makes load of every kind it knows. */
export async function runPerfAnalyzerSuite(requirements: string): Promise<SuiteResult> {
  const tally = new Tally('perf_analyzer');
  const analyzer = perfAnalyzer(pythonEnvironment(requirements).python);
  if (typeof analyzer === 'string') for (const { name } of PERF_CASES) tally.notRun(name, analyzer);
  else await runCases(analyzer, tally);
  return tally.result();
}

async function runCases(analyzer: PerfAnalyzer, tally: Tally): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'nereid-interop-perf-'));
  try {
    for (const [file, content] of Object.entries(INPUT_DATA)) writeFileSync(join(root, file), JSON.stringify(content));
    const repository = join(root, 'models');
    writeExampleRepository(repository);
    writeFurtherExamples(repository);
    writeEnsemble(repository);
    const started = await startServer(
      [
        `--model-repository=${repository}`,
        '--allow-client-shm=true',
        '--http-address=127.0.0.1',
        '--http-port=0',
        '--grpc-address=127.0.0.1',
        '--grpc-port=0',
        '--metrics-port=0',
      ],
      { XDG_CACHE_HOME: join(root, 'cache') },
      ['http', 'grpc'],
    );
    if (!('server' in started)) throw new Error(`nereid serve exited with ${started.exitCode}:\n${started.output}`);
    const { server } = started;
    try {
      for (const perfCase of PERF_CASES)
        await runCase(analyzer, perfCase, server.ports[perfCase.protocol]!, root, tally);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function runCase(
  analyzer: PerfAnalyzer,
  perfCase: PerfCase,
  port: number,
  root: string,
  tally: Tally,
): Promise<void> {
  const args = perfCase.args.map((arg) => arg.replace(/^DATA/, root));
  const child = spawn(
    analyzer.command,
    [...analyzer.args, ...args, '-i', perfCase.protocol, '-u', `127.0.0.1:${port}`],
    { cwd: root, env: { ...process.env, ...analyzer.environment }, timeout: CASE_TIMEOUT_MS },
  );
  let output = '';
  const keep = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const problem = code === 0 ? figuresProblem(perfCase, output) : `ended with ${code ?? 'a time-out'}`;
  if (problem === undefined) tally.passed(`${perfCase.name}: ${summary(output)}`);
  else tally.failed(perfCase.name, `${problem}\n${output}`);
}

function figuresProblem(perfCase: PerfCase, output: string): string | undefined {
  try {
    return problemOf(perfCase, parseReport(output));
  } catch (error) {
    return String(error);
  }
}

function summary(output: string): string {
  const { throughput, latencyUs, server } = parseReport(output);
  return `${throughput.toFixed(0)} infer/s, ${latencyUs} us, of which the server says ${server?.latencyUs} us`;
}

/** `simple` twice: what was added and taken away becomes 2 × INPUT0 and 2 × INPUT1. */
function writeEnsemble(repository: string): void {
  const tensor = (name: string) => `{ name: "${name}" data_type: TYPE_INT32 dims: [ 16 ] }`;
  const step = (inputs: readonly string[], outputs: readonly string[]) =>
    `{ model_name: "simple" model_version: -1 ${inputs.map((value, index) => `input_map { key: "INPUT${index}" value: "${value}" }`).join(' ')} ${outputs.map((value, index) => `output_map { key: "OUTPUT${index}" value: "${value}" }`).join(' ')} }`;
  writeModel(repository, 'simple_ensemble', {
    '1/.keep': '',
    'config.pbtxt': `name: "simple_ensemble"
platform: "ensemble"
max_batch_size: 8
input [ ${tensor('INPUT0')}, ${tensor('INPUT1')} ]
output [ ${tensor('OUTPUT0')}, ${tensor('OUTPUT1')} ]
ensemble_scheduling { step [
  ${step(['INPUT0', 'INPUT1'], ['sum', 'difference'])},
  ${step(['sum', 'difference'], ['OUTPUT0', 'OUTPUT1'])}
] }
`,
  });
}
