import type { Outcome } from './transcripts-types.ts';

const VERDICTS = ['passed', 'failed', 'known-difference', 'left-out'] as const;

/** A table of counts per file, then each failure and each reason, as Markdown. */
export function renderReport(title: string, outcomes: readonly Outcome[]): string {
  const files = [...new Set(outcomes.map(({ file }) => file))].sort();
  const count = (file: string | undefined, verdict: Outcome['verdict']) =>
    outcomes.filter((outcome) => (file === undefined || outcome.file === file) && outcome.verdict === verdict).length;
  const row = (label: string, file: string | undefined) =>
    `| ${label} | ${VERDICTS.map((verdict) => count(file, verdict)).join(' | ')} |`;
  const lines = [
    `## ${title}`,
    '',
    '| File | passed | failed | known difference | left out |',
    '|---|---|---|---|---|',
    ...files.map((file) => row(`\`${file}\``, file)),
    row('**all**', undefined),
    '',
  ];
  lines.push(...section('Failed', outcomes, 'failed', true));
  lines.push(...section('Known differences', outcomes, 'known-difference', false));
  lines.push(...section('Left out', outcomes, 'left-out', false));
  return lines.join('\n');
}

function section(title: string, outcomes: readonly Outcome[], verdict: Outcome['verdict'], each: boolean): string[] {
  const chosen = outcomes.filter((outcome) => outcome.verdict === verdict);
  if (chosen.length === 0) return [];
  if (each)
    return [
      `### ${title}`,
      '',
      ...chosen.map(({ file, name, detail }) => `- ${file}: ${name}\n      ${detail ?? ''}`),
      '',
    ];
  const byReason = new Map<string, string[]>();
  for (const { file, name, detail = '' } of chosen)
    byReason.set(detail, [...(byReason.get(detail) ?? []), `${file}: ${name}`]);
  const items = [...byReason].map(
    ([reason, names]) =>
      `- ${reason} (${names.length}): ${names.slice(0, 12).join('; ')}${names.length > 12 ? '; …' : ''}`,
  );
  return [`### ${title}`, '', ...items, ''];
}

/** True when nothing failed. */
export function allPassed(outcomes: readonly Outcome[]): boolean {
  return outcomes.every(({ verdict }) => verdict !== 'failed');
}
