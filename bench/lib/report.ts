import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

export interface Row {
  readonly cells: readonly (string | number)[];
}

/** What one benchmark says: a table, the aim beside the figure. */
export interface BenchReport {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  readonly notes?: readonly string[];
}

export interface BenchOptions {
  /** As long as the aims say, not as short as will do for a look. */
  readonly full: boolean;
}

export interface Benchmark {
  /** Path-like, filtered by pattern: `npm run bench -- ^http/`. */
  readonly name: string;
  run(log: (line: string) => void, options?: BenchOptions): Promise<BenchReport>;
}

export function renderMarkdown(report: BenchReport): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const lines = [
    `### ${report.title}`,
    '',
    line(report.columns),
    line(report.columns.map(() => '---')),
    ...report.rows.map(({ cells }) => line(cells)),
    '',
  ];
  for (const note of report.notes ?? []) lines.push(`- ${note}`);
  return `${lines.join('\n')}\n`;
}

/** Machine, date and commit: a figure without them says nothing. */
export function provenance(): string {
  const cpu = cpus();
  let commit = 'unknown commit';
  try {
    commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
    if (execFileSync('git', ['status', '--porcelain', '--untracked-files=no'], { encoding: 'utf8' }).trim() !== '')
      commit += ' (with local changes)';
  } catch {
    // Not a git checkout: the figure stays without a commit.
  }
  return `${cpu.length} × ${cpu[0]?.model.trim() ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}, commit ${commit}`;
}

export function ratioText(ratio: { readonly median: number; readonly min: number; readonly max: number }): string {
  return `${ratio.median.toFixed(2)} [${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}]`;
}
