import type { VersionStatus } from '@nereid/server';
import { printable } from './printable.ts';

/** The table of models that tritonserver prints at start, in the order given. */
export function modelTable(statuses: readonly VersionStatus[]): string {
  const rows = statuses.map((status) => [
    status.name,
    status.version === undefined ? '-' : String(status.version),
    statusText(status),
  ]);
  return renderTable(['Model', 'Version', 'Status'], rows);
}

function statusText({ version, state, reason }: VersionStatus): string {
  if (version === undefined) return `Not loaded: ${reason}`;
  return state === 'READY' || reason === '' ? state : `${state}: ${reason}`;
}

/** A table with a frame of `+`, `-` and `|`. Line breaks in a cell become spaces. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = [header, ...rows].map((row) => row.map((cell) => printable(cell)));
  const widths = header.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const line = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const render = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line, render(table[0] ?? []), line, ...table.slice(1).map(render), line].join('\n');
}
