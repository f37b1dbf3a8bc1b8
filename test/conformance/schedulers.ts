import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exchangeReason, type KnownDifferences } from './known-differences.ts';
import { compareOutcome } from './schedulers-compare.ts';
import { replayScenario } from './schedulers-replay.ts';
import type { Scenario, ScenarioFile } from './schedulers-types.ts';
import type { Outcome } from './transcripts-types.ts';

/**
 * The recordings are about order in time, and a busy machine can turn round what is sent 12 ms apart. A scenario that ever comes out as
 * recorded has passed.
 */
const ATTEMPTS = 3;

export interface SchedulerConformanceOptions {
  readonly only?: RegExp;
  readonly known: KnownDifferences;
  onProgress(line: string): void;
}

export function isSchedulerDirectory(directory: string): boolean {
  return scenarioFiles(directory).length > 0;
}

/** Replays recorded scheduler scenarios, each on a server of its own. */
export async function runSchedulerConformance(
  directory: string,
  { only, known, onProgress }: SchedulerConformanceOptions,
): Promise<Outcome[]> {
  const sources = [join(directory, '../triton-examples'), join(directory, '../triton-transcripts/models')];
  const outcomes: Outcome[] = [];
  for (const file of scenarioFiles(directory)) {
    onProgress(file);
    for (const scenario of readScenarios(join(directory, file))) {
      const { name } = scenario;
      if (only !== undefined && !only.test(`${file} ${name}`)) continue;
      const left = leftOut(scenario);
      if (left !== undefined) {
        outcomes.push({ file, name, verdict: 'left-out', detail: left });
        continue;
      }
      const problems = await differences(scenario, sources);
      const reason = problems.length === 0 ? undefined : exchangeReason(known, file, name);
      if (problems.length === 0) outcomes.push({ file, name, verdict: 'passed' });
      else if (reason !== undefined) outcomes.push({ file, name, verdict: 'known-difference', detail: reason });
      else outcomes.push({ file, name, verdict: 'failed', detail: problems.join('\n      ') });
    }
  }
  return outcomes;
}

function scenarioFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json') && readScenarios(join(directory, file)).length > 0)
    .sort();
}

function readScenarios(path: string): readonly Scenario[] {
  const contents = JSON.parse(readFileSync(path, 'utf8')) as Partial<ScenarioFile> | readonly unknown[];
  return 'scenarios' in contents && 'topic' in contents ? (contents.scenarios ?? []) : [];
}

function leftOut({ steps }: Scenario): string | undefined {
  const other = steps.find(({ protocol }) => protocol !== 'http');
  return other && `no replay for protocol '${other.protocol}'`;
}

/** What differs in the last attempt; empty when one came out as either recorded version did. */
async function differences(scenario: Scenario, sources: readonly string[]): Promise<string[]> {
  let problems: string[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const replay = await replayScenario(scenario, sources);
      problems = compareOutcome(scenario.outcome, replay);
      const newer = scenario.outcome_2_73;
      if (problems.length > 0 && newer !== undefined && compareOutcome(newer, replay).length === 0) return [];
    } catch (error) {
      problems = [error instanceof Error ? error.message : String(error)];
    }
    if (problems.length === 0) return [];
  }
  return problems;
}
