import type { Flag, FlagGroup } from './kinds.ts';
import { names, SERVE_FLAGS } from './parse.ts';

const WIDTH = 100;
const INDENT = ' '.repeat(8);

/** What `nereid serve --help` prints. */
export function renderHelp(): string {
  const parts = [
    'Usage: nereid serve --model-repository=<directory> [flags]',
    '',
    'Serves Triton model repositories. The flags are those of tritonserver: --name=value or --name value, names may be shortened.',
    'Booleans are true, on, 1, false, off, 0. Without flags, in an environment that SageMaker made, it serves /opt/ml/model as',
    "SageMaker's containers do.",
  ];
  for (const [group, rows] of groups()) {
    parts.push('', `${group}:`);
    for (const { name, row } of rows) {
      parts.push(
        `  --${name}${row.kind.argument === undefined ? '' : ` ${row.kind.argument}`}`,
        ...wrap(helpText(row)),
      );
    }
  }
  return `${parts.join('\n')}\n`;
}

/** The flags as a Markdown section for docs/cli.md. */
export function renderFlagTables(): string {
  const parts: string[] = [];
  for (const [group, rows] of groups()) {
    parts.push(`### ${group}`, '', '| Flag | Default | |', '|---|---|---|');
    for (const { name, row } of rows) {
      const flag = `\`--${name}${row.kind.argument === undefined ? '' : ` ${row.kind.argument}`}\``;
      parts.push(`| ${[flag, defaultOf(row), row.help + effectNote(row)].map(tableCell).join(' | ')} |`);
    }
    parts.push('');
  }
  return parts.join('\n');
}

function groups(): Map<FlagGroup, { name: string; row: Flag<unknown> }[]> {
  const result = new Map<FlagGroup, { name: string; row: Flag<unknown> }[]>();
  for (const name of names()) {
    const row = SERVE_FLAGS[name] as Flag<unknown>;
    result.set(row.group, [...(result.get(row.group) ?? []), { name, row }]);
  }
  return result;
}

function helpText(row: Flag<unknown>): string {
  const value = defaultOf(row);
  return `${row.help}${value === '' ? '' : ` Default: ${value}.`}${effectNote(row)}`;
}

function effectNote({ ignored }: Flag<unknown>): string {
  return ignored === undefined ? '' : ` Accepted, without effect: ${ignored}.`;
}

function defaultOf(row: Flag<unknown>): string {
  if (row.defaultText !== undefined) return row.defaultText;
  if (row.kind.argument === undefined || row.group === 'Deprecated') return '';
  const value = row.default;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function tableCell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replace(/`[^`]*`/g, (code) => code.replaceAll('&lt;', '<'));
}

function wrap(text: string): string[] {
  const lines = [INDENT.trimEnd()];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last !== '' && last.length + word.length + 1 > WIDTH) lines.push(INDENT + word);
    else lines[lines.length - 1] = last === '' ? INDENT + word : `${last} ${word}`;
  }
  return lines;
}
