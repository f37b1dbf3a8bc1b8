import { isDeepStrictEqual } from 'node:util';
import type {
  RecordedAnswer,
  RecordedOutput,
  RecordedStatistics,
  Replay,
  ReplayedAnswer,
  ScenarioOutcome,
} from './schedulers-types.ts';

/** Answers closer together than this form a group, as in the recording. */
const GROUP_MS = 70;
/** The recorded time is rounded to 100, and this machine has other work too. */
const ELAPSED_TOLERANCE_MS = 150;

/** What differs between a recorded outcome and a replay; empty when nothing does. */
export function compareOutcome(recorded: ScenarioOutcome, replay: Replay): string[] {
  const problems = recorded.responses.flatMap((answer, index) => compareAnswer(answer, replay.answers[index]!, index));
  if (recorded.completion !== undefined) {
    const ours = completionGroups(recorded.completion.flat(), replay.answers);
    const wanted = recorded.completion.map(sorted);
    if (!isDeepStrictEqual(ours, wanted)) problems.push(difference('completion', wanted, ours));
  }
  for (const [model, wanted] of Object.entries(recorded.stats ?? {})) {
    const ours = onlyRecorded(wanted, replay.stats[model]);
    if (!isDeepStrictEqual(ours, wanted)) problems.push(difference(`statistics of ${model}`, wanted, ours));
  }
  if (recorded.failures !== undefined && !isDeepStrictEqual(replay.failures, recorded.failures)) {
    problems.push(difference('failures', recorded.failures, replay.failures));
  }
  if (recorded.index !== undefined && !sameItems(replay.index, recorded.index)) {
    problems.push(difference('repository index', recorded.index, replay.index));
  }
  return problems;
}

function compareAnswer({ elapsedMs, ...recorded }: RecordedAnswer, ours: ReplayedAnswer, index: number): string[] {
  const problems: string[] = [];
  const wanted = comparable(recorded);
  const got = comparable(ours);
  if (!isDeepStrictEqual(got, wanted)) problems.push(difference(`answer ${index}`, wanted, got));
  if (elapsedMs !== undefined && Math.abs(ours.elapsedMs - elapsedMs) > ELAPSED_TOLERANCE_MS) {
    problems.push(difference(`milliseconds of answer ${index}`, elapsedMs, Math.round(ours.elapsedMs)));
  }
  return problems;
}

function comparable({ status, id, outputs, error }: RecordedAnswer): RecordedAnswer {
  return {
    status,
    ...(id === undefined ? {} : { id }),
    ...(error === undefined ? {} : { error }),
    ...(outputs === undefined ? {} : { outputs: outputs.map(tensorOnly).sort(byName) }),
  };
}

function tensorOnly({ name, datatype, shape, data }: RecordedOutput): RecordedOutput {
  return { name, datatype, shape, data };
}

function byName(a: RecordedOutput, b: RecordedOutput): number {
  return a.name < b.name ? -1 : 1;
}

function completionGroups(listed: readonly number[], answers: readonly ReplayedAnswer[]): number[][] {
  const time = (index: number) => answers[index]!.answeredMs;
  const groups: number[][] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const index of [...listed].sort((a, b) => time(a) - time(b))) {
    if (time(index) - lastMs < GROUP_MS) groups.at(-1)!.push(index);
    else groups.push([index]);
    lastMs = time(index);
  }
  return groups.map(sorted);
}

function sorted(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b);
}

/** The counters a recording does not name are not compared. */
function onlyRecorded(wanted: RecordedStatistics, ours: RecordedStatistics | undefined): unknown {
  if (ours === undefined) return undefined;
  const counts = Object.fromEntries(Object.keys(wanted.counts).map((key) => [key, ours.counts[key]]));
  return { ...ours, counts };
}

function sameItems(ours: readonly unknown[], wanted: readonly unknown[]): boolean {
  const texts = (items: readonly unknown[]) => items.map((item) => JSON.stringify(item)).sort();
  return isDeepStrictEqual(texts(ours), texts(wanted));
}

function difference(what: string, wanted: unknown, ours: unknown): string {
  return `${what}: recorded ${JSON.stringify(wanted)}, ours ${JSON.stringify(ours)}`;
}
