import { availableParallelism } from 'node:os';
import { type ProfileOptions, parseList, parseRange } from '../profile/index.ts';
import type { CommandContext } from './command.ts';

/** As commander hands them over: texts. */
export interface ProfileCommandOptions {
  readonly url?: string;
  readonly modelRepository?: string;
  readonly modelVersion?: string;
  readonly batchSize: string;
  readonly concurrencyRange?: string;
  readonly requestRateRange?: string;
  readonly requestDistribution: string;
  readonly maxConnections: string;
  readonly measurementInterval: string;
  readonly stabilityPercentage: string;
  readonly maxTrials: string;
  readonly percentile?: string;
  readonly inputData: string;
  readonly shape?: readonly string[];
  readonly sequenceLength: string;
  readonly seed: string;
  readonly csv?: string;
  readonly search?: true;
  readonly instances?: string;
  readonly queueDelays: string;
  readonly preferredBatchSizes?: string;
  readonly threads?: string;
  readonly latencyBudget?: string;
  readonly outputDirectory: string;
}

/** `nereid profile`. Resolves to 0, 1 when the measurement failed, 2 for options that make no sense. Loaded on use. */
export async function runProfile(
  model: string,
  given: ProfileCommandOptions,
  { entryPoint }: CommandContext,
): Promise<number> {
  const profiling = await import('../profile/index.ts');
  try {
    const options = profileOptions(model, given, entryPoint, profiling);
    await profiling.profile(options, (text) => process.stdout.write(`${text}\n`));
    return 0;
  } catch (error) {
    process.stderr.write(`profile: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof profiling.ProfileOptionError ? 2 : 1;
  }
}

type Profiling = typeof import('../profile/index.ts');

function profileOptions(
  model: string,
  given: ProfileCommandOptions,
  entryPoint: string,
  profiling: Profiling,
): ProfileOptions {
  const { parseCount, parseNumber, parseShapes, ProfileOptionError } = profiling;
  const { url, modelRepository: repository } = given;
  if ((url === undefined) === (repository === undefined)) {
    throw new ProfileOptionError('say which server: either --url or --model-repository');
  }
  if (given.search === true && repository === undefined) {
    throw new ProfileOptionError(
      '--search changes configurations, so it starts its own server: give --model-repository',
    );
  }
  const percentile = given.percentile;
  return {
    model,
    version: given.modelVersion,
    server: url === undefined ? { repository: repository!, entryPoint } : { url },
    load: loadPlan(given, profiling),
    batchSize: parseCount(given.batchSize, '--batch-size'),
    sequenceLength: parseCount(given.sequenceLength, '--sequence-length'),
    inputData: given.inputData,
    shapes: parseShapes(given.shape ?? []),
    windowMs: parseNumber(given.measurementInterval, '--measurement-interval', { min: 10 }),
    stabilityPercentage: parseNumber(given.stabilityPercentage, '--stability-percentage', { min: 0 }),
    maxTrials: parseCount(given.maxTrials, '--max-trials', 3),
    percentile: percentile === undefined ? undefined : parseNumber(percentile, '--percentile', { min: 1, max: 99.99 }),
    maxConnections: parseCount(given.maxConnections, '--max-connections'),
    seed: parseCount(given.seed, '--seed', 0),
    search: given.search === true ? searchOptions(given, profiling) : undefined,
    csvFile: given.csv,
  };
}

function loadPlan(given: ProfileCommandOptions, { ProfileOptionError }: Profiling): ProfileOptions['load'] {
  const { concurrencyRange, requestRateRange, requestDistribution: distribution } = given;
  if (requestRateRange === undefined) {
    const values = parseRange(concurrencyRange ?? (given.search === true ? '16' : '1'), '--concurrency-range');
    if (values.every(Number.isInteger)) return { kind: 'concurrency', values };
    throw new ProfileOptionError('--concurrency-range takes whole numbers');
  }
  if (concurrencyRange !== undefined) {
    throw new ProfileOptionError('either --concurrency-range or --request-rate-range');
  }
  if (distribution !== 'poisson' && distribution !== 'constant') {
    throw new ProfileOptionError(`--request-distribution is poisson or constant, got '${distribution}'`);
  }
  return { kind: 'request-rate', values: parseRange(requestRateRange, '--request-rate-range'), distribution };
}

function searchOptions(given: ProfileCommandOptions, { parseNumber }: Profiling): ProfileOptions['search'] {
  const cores = availableParallelism();
  const { instances, queueDelays, preferredBatchSizes, threads, latencyBudget } = given;
  const numbers = (text: string, option: string, minimum: number) =>
    parseList(text, option, '', minimum).filter((value) => typeof value === 'number');
  return {
    space: {
      instances: instances === undefined ? [...new Set([1, 2, cores])] : numbers(instances, '--instances', 1),
      queueDelay: parseList(queueDelays, '--queue-delays', 'off', 0),
      preferredBatchSizes:
        preferredBatchSizes?.split(';').map((sizes) => numbers(sizes, '--preferred-batch-sizes', 1)) ?? [],
      threads: threads === undefined ? ['shared', 1] : parseList(threads, '--threads', 'shared', 1),
    },
    latencyBudgetMs:
      latencyBudget === undefined ? undefined : parseNumber(latencyBudget, '--latency-budget', { min: 0.001 }),
    outputDirectory: given.outputDirectory,
  };
}
