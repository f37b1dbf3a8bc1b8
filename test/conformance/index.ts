import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isDaliDirectory, runDaliConformance } from './dali.ts';
import { readKnownDifferences } from './known-differences.ts';
import { isModelConfigDirectory, runModelConfigConformance } from './model-config.ts';
import { allPassed, renderReport } from './report.ts';
import { isSchedulerDirectory, runSchedulerConformance } from './schedulers.ts';
import { isTranscriptDirectory, runTranscriptConformance } from './transcripts.ts';
import type { Outcome } from './transcripts-types.ts';

const USAGE = `npm run conformance -- DIR… [--only PATTERN] [--report FILE]

Replays recorded behaviour of NVIDIA Triton against this server and says what differs.
DIR holds transcripts, model-configuration cases, scheduler scenarios or DALI goldens, or folders of those.`;

interface Suite {
  readonly title: string;
  matches(directory: string): boolean;
  run(directory: string, only: RegExp | undefined): Promise<Outcome[]>;
}

/** Each kind of recording, told by the folder's name or contents. Modules load when their kind is there. */
const SUITES: readonly Suite[] = [
  {
    title: 'HTTP, gRPC, SageMaker and start-up transcripts',
    matches: isTranscriptDirectory,
    run: (directory, only) =>
      runTranscriptConformance(directory, {
        ...(only === undefined ? {} : { only }),
        known: readKnownDifferences(),
        onProgress: (line) => process.stderr.write(`  ${line}\n`),
      }),
  },
  {
    title: 'Model configuration cases',
    matches: isModelConfigDirectory,
    run: runModelConfigConformance,
  },
  {
    title: 'Scheduler scenarios',
    matches: isSchedulerDirectory,
    run: (directory, only) =>
      runSchedulerConformance(directory, {
        ...(only === undefined ? {} : { only }),
        known: readKnownDifferences(),
        onProgress: (line) => process.stderr.write(`  ${line}\n`),
      }),
  },
  {
    title: 'DALI goldens',
    matches: isDaliDirectory,
    run: runDaliConformance,
  },
];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, report: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help || positionals.length === 0) {
    process.stdout.write(`${USAGE}\n`);
    process.exitCode = values.help ? 0 : 1;
    return;
  }
  const only = values.only === undefined ? undefined : new RegExp(values.only);
  const reports: string[] = [];
  let passed = true;
  for (const { suite, directory } of positionals.flatMap((path) => findSuites(resolve(path)))) {
    process.stderr.write(`${suite.title}: ${directory}\n`);
    const outcomes = await suite.run(directory, only);
    reports.push(renderReport(suite.title, outcomes));
    passed &&= allPassed(outcomes);
  }
  if (reports.length === 0)
    throw new Error(
      `nothing to replay in ${positionals.join(', ')}: no folder there is one of ${SUITES.map(({ title }) => title).join('; ')}`,
    );
  const text = `${reports.join('\n')}\n`;
  process.stdout.write(text);
  if (values.report !== undefined) writeFileSync(values.report, text);
  process.exitCode = passed ? 0 : 1;
}

function findSuites(directory: string): { suite: Suite; directory: string }[] {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) throw new Error(`not a directory: ${directory}`);
  const suite = SUITES.find((candidate) => candidate.matches(directory));
  if (suite !== undefined) return [{ suite, directory }];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) =>
      SUITES.filter((candidate) => candidate.matches(join(directory, entry.name))).map((found) => ({
        suite: found,
        directory: join(directory, basename(entry.name)),
      })),
    );
}

await main();
