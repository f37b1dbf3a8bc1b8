import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  isConfigOfText,
  type LoadedRepository,
  loadRepository,
} from '../../packages/server/src/repository/test-support/load-repository.ts';
import {
  findModelConfigCases,
  isModelConfigDirectory,
  type ModelConfigCase,
  writeCaseRepository,
} from './model-config-cases.ts';
import { grepPattern } from './model-config-pattern.ts';
import { startServer } from './server-process.ts';
import type { Outcome } from './transcripts-types.ts';

export { isModelConfigDirectory };

/** Backends of which a case needs only the configuration, with the CPU instances that Triton gives their models. */
const IDLE_BACKENDS: readonly (readonly [string, number])[] = [
  ['pytorch', 1],
  ['repeat', 1],
];

/**
 * Drives Triton's own model configuration cases: each is loaded as a repository of its own, and what is logged or the configuration that comes
 * out is compared with what the case expects. Cases that cannot be run say why.
 * @param directory holds `noautofill_platform`, `autofill_noplatform` and so on
 */
export async function runModelConfigConformance(directory: string, only?: RegExp): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const modelCase of findModelConfigCases(directory)) {
    if (only && !only.test(modelCase.name)) continue;
    outcomes.push(await runCase(modelCase));
  }
  return outcomes;
}

async function runCase(modelCase: ModelConfigCase): Promise<Outcome> {
  const { leftOut, name, platform } = modelCase;
  const [file = ''] = name.split('/');
  const shown = platform === undefined ? name : `${name} (${platform})`;
  if (leftOut !== undefined) return { file, name: shown, verdict: 'left-out', detail: leftOut };
  const repository = await mkdtemp(join(tmpdir(), 'nereid-conformance-'));
  try {
    writeCaseRepository(modelCase, repository);
    const problem =
      modelCase.outcome === 'command-line'
        ? await runCommandLine(modelCase, repository)
        : await loadRepository(repository, loadOptions(modelCase), (loaded) => compare(modelCase, loaded));
    return problem === undefined
      ? { file, name: shown, verdict: 'passed' }
      : { file, name: shown, verdict: 'failed', detail: problem };
  } finally {
    await rm(repository, { recursive: true, force: true });
  }
}

/** A model file that the corpus does not have is taken unseen: the case is about the configuration then. */
function loadOptions({ autoComplete, directory, name, outcome }: ModelConfigCase) {
  const idleBackends = new Map(IDLE_BACKENDS);
  const isOnnx = /\/onnx\//.test(name);
  if (outcome === 'config' && isOnnx && !existsSync(join(directory, '1', 'model.onnx')))
    idleBackends.set('onnxruntime', 2);
  return { autoComplete, idleBackends };
}

/** @returns what is wrong, undefined when the case passed */
function compare(modelCase: ModelConfigCase, loaded: LoadedRepository): string | undefined {
  const { expected, outcome } = modelCase;
  if (outcome === 'error') {
    if (loaded.started) return 'the server started';
    return expectLine(loaded.log, 'E', expected);
  }
  if (!loaded.started) return `the server did not start: ${loaded.log.join(' | ')}`;
  if (outcome === 'warning') return expectLine(loaded.log, 'W', expected);
  return outcome === 'start' ? undefined : compareConfig(modelCase, loaded);
}

function expectLine(log: readonly string[], severity: string, expected: readonly string[]): string | undefined {
  const lines = log.filter((line) => line.startsWith(severity));
  const patterns = expected.map(grepPattern);
  if (patterns.some((pattern) => lines.some((line) => pattern.test(line)))) return undefined;
  return `logged ${JSON.stringify(lines)}, expected ${expected.map((text) => JSON.stringify(text.trim())).join(' or ')}`;
}

function compareConfig({ directory, expected }: ModelConfigCase, loaded: LoadedRepository): string | undefined {
  const config = loaded.config(basename(directory));
  if (config === undefined) return 'the model is not ready';
  if (expected.some((text) => isConfigOfText(config, withoutGpus(text)))) return undefined;
  const { $typeName: _, ...fields } = config;
  return `configuration ${JSON.stringify(fields, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}`;
}

/** What the recording's server with a GPU says of instances, as a server without one says it: two on a CPU for ONNX models. */
function withoutGpus(text: string): string {
  const isOnnx = /backend: "onnxruntime"/.test(text);
  return text.replace(/instance_group\s*\[?\s*\{[^}]*\}\s*\]?/g, (group) => {
    if (!group.includes('KIND_GPU')) return group;
    const onCpu = group.replace('KIND_GPU', 'KIND_CPU').replace(/gpus:\s*(\[[^\]]*\]|\d+),?/g, '');
    return isOnnx ? onCpu.replace(/count:\s*1\b/, 'count: 2') : onCpu;
  });
}

const COMMAND_LINE_FLAGS: Readonly<Record<string, readonly string[]>> = {
  cli_override: ['--disable-auto-complete-config', '--strict-model-config=false'],
  cli_deprecation: ['--strict-model-config=true'],
};

async function runCommandLine(
  { directory, expected }: ModelConfigCase,
  repository: string,
): Promise<string | undefined> {
  const flags = COMMAND_LINE_FLAGS[basename(directory)] ?? [];
  const started = await startServer(
    ['--model-repository', repository, '--http-port=0', '--metrics-port=0', ...flags],
    {},
    ['http'],
  );
  if ('server' in started) {
    await started.server.stop();
    return 'the server started';
  }
  const found = expected.map(grepPattern).some((pattern) => pattern.test(started.output));
  return found ? undefined : `printed ${JSON.stringify(started.output.slice(0, 500))}`;
}
