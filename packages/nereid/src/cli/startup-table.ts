import type { IndexEntry } from '@nereid/server';

/** The table of models that tritonserver prints at start, sorted by name and version. */
export function modelTable(index: readonly IndexEntry[]): string {
  const rows = index
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : (a.version ?? 0) - (b.version ?? 0)))
    .map((entry) => [entry.name, entry.version === undefined ? '-' : String(entry.version), statusOf(entry)]);
  return renderTable(['Model', 'Version', 'Status'], rows);
}

function statusOf({ version, state, reason }: IndexEntry): string {
  if (version === undefined) return 'Not loaded: No model version was found';
  return state === 'READY' || reason === undefined || reason === '' ? (state ?? '') : `${state}: ${reason}`;
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

/** Names and reasons come from files and clients: nothing in them may move the cursor or forge a line. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
}
