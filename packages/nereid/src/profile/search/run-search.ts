import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelConfigToJson, modelConfigToText, parseModelConfigJson, parseModelConfigText } from '@nereid/server';
import type { ProfileOptions } from '../options.ts';
import type { ProfileSession } from '../profile.ts';
import { ProgressBar } from '../progress-bar.ts';
import {
  applyCandidate,
  type Candidate,
  type ConfigJson,
  candidateOf,
  describeCandidate,
  restrictSpace,
} from './candidate.ts';
import { roundSize, search } from './search.ts';

const DEFAULT_PERCENTILE = 99;

/** Tries configurations by loading the model anew with each, prints all results and writes the best `config.pbtxt`. */
export async function runSearch(
  session: ProfileSession,
  { space: wanted, latencyBudgetMs, outputDirectory }: NonNullable<ProfileOptions['search']>,
  print: (text: string) => void,
): Promise<void> {
  const { api, model, options } = session;
  if (model.isEnsemble) throw new Error(`'${options.model}' is an ensemble: search the models of its steps one by one`);
  const config = await baseConfig(session);
  const effective = (await api.get(`${api.modelPath}/config`)) as ConfigJson;
  const configFor = (candidate: Candidate) => applyCandidate(config, candidate, effective);
  const space = restrictSpace(wanted, effective);
  const load = options.load.values.at(-1)!;
  const bar = new ProgressBar(roundSize(space));
  const { best, trials } = await search({
    space,
    start: candidateOf(effective),
    latencyBudgetMicros: latencyBudgetMs === undefined ? undefined : latencyBudgetMs * 1000,
    percentile: options.percentile ?? DEFAULT_PERCENTILE,
    measure: async (candidate) => {
      await api.load(JSON.stringify(configFor(candidate)));
      return session.measureAt(
        load,
        bar,
        Object.entries(describeCandidate(candidate))
          .map((pair) => pair.join(' '))
          .join(', '),
      );
    },
  });
  bar.clear();
  const ordered = trials.toSorted((a, b) => b.measurement.inferencesPerSecond - a.measurement.inferencesPerSecond);
  session.report(
    ordered.map(({ candidate, measurement }) => ({ load, settings: describeCandidate(candidate), measurement })),
    print,
  );
  const path = join(outputDirectory, options.model, 'config.pbtxt');
  mkdirSync(join(outputDirectory, options.model), { recursive: true });
  writeFileSync(path, modelConfigToText(parseModelConfigJson(JSON.stringify(configFor(best.candidate)))));
  print(
    `\nBest: ${Object.entries(describeCandidate(best.candidate))
      .map(([name, value]) => `${name.toLowerCase()} ${value}`)
      .join(', ')}`,
  );
  const percentile = options.percentile ?? DEFAULT_PERCENTILE;
  const latencyMs = (best.measurement.latency.percentiles.get(percentile) ?? Number.NaN) / 1000;
  if (latencyBudgetMs !== undefined && latencyMs > latencyBudgetMs) {
    print(
      `No configuration keeps p${percentile} within ${latencyBudgetMs} ms; this one has ${latencyMs.toFixed(2)} ms.`,
    );
  }
  print(`Written to ${path}`);
}

/** The configuration as the repository has it, so that what is written back says no more than it has to; else what the server made of it. */
async function baseConfig({ api, options }: ProfileSession): Promise<ConfigJson> {
  const file =
    'repository' in options.server ? join(options.server.repository, options.model, 'config.pbtxt') : undefined;
  if (file === undefined || !existsSync(file)) return (await api.get(`${api.modelPath}/config`)) as ConfigJson;
  return JSON.parse(modelConfigToJson(parseModelConfigText(readFileSync(file)))) as ConfigJson;
}
