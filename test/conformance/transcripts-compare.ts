import { createHash } from 'node:crypto';
import { gunzipSync, inflateSync } from 'node:zlib';
import type { Difference } from './known-differences.ts';
import type { RawResponse } from './transcripts-client.ts';
import type { Mask, RecordedResponse } from './transcripts-types.ts';

/** Directories of this run that the recording shows as `<REPOSITORY>` and the like. */
export interface Places {
  readonly repository: string;
}

const COMPARED_HEADERS = ['inference-header-content-length', 'content-encoding', 'accept-encoding'];

/** In what an answer differs from a recorded one: status, content type, the Triton headers, and the body after masking. */
export function compareResponse(
  actual: RawResponse,
  recorded: RecordedResponse,
  path: string,
  places: Places,
): Difference[] {
  if (recorded.error !== undefined) {
    const refused = actual.status >= 400 && actual.status < 500;
    return refused ? [] : [{ part: 'status', recorded: `${recorded.error}, so any 4xx`, ours: String(actual.status) }];
  }
  const differences: Difference[] = [];
  const compare = (part: Difference['part'], ours: string, theirs: string): void => {
    if (ours !== theirs) differences.push({ part, recorded: theirs, ours });
  };
  compare('status', String(actual.status), String(recorded.status));
  for (const name of COMPARED_HEADERS) {
    compare('header', headerLine(name, actual.headers.get(name)), headerLine(name, recorded.headers?.[name]));
  }
  compare('content-type', actual.headers.get('content-type') ?? 'none', recorded.headers?.['content-type'] ?? 'none');
  const [ours, theirs] = bodies(actual, recorded, path, places);
  compare('body', ours, theirs);
  return differences;
}

function headerLine(name: string, value: string | undefined): string {
  return value === undefined ? `no ${name}` : `${name}: ${value}`;
}

/** Both bodies in the form in which they are compared. */
function bodies(actual: RawResponse, recorded: RecordedResponse, path: string, places: Places): [string, string] {
  const masks = new Set(recorded.mask ?? []);
  if (recorded.bodySha256 !== undefined) {
    const digest = createHash('sha256').update(actual.body).digest('hex');
    return [`SHA-256 ${digest}`, `SHA-256 ${recorded.bodySha256}`];
  }
  const body = masks.has('compressed') ? decompress(actual) : actual.body;
  const expected = recorded.decodedText ?? recorded.bodyText;
  if (expected === undefined) {
    const bytes = Buffer.from(recorded.decodedBase64 ?? recorded.bodyBase64 ?? '', 'base64');
    return [body.toString('latin1'), bytes.toString('latin1')];
  }
  if (recorded.bodyBase64 !== undefined && body.equals(Buffer.from(recorded.bodyBase64, 'base64'))) return ['', ''];
  return [normalise(body.toString('utf8'), masks, path, places), normalise(expected, masks, path, places)];
}

function decompress(actual: RawResponse): Buffer {
  const encoding = actual.headers.get('content-encoding');
  if (encoding === 'gzip') return gunzipSync(actual.body);
  if (encoding === 'deflate') return inflateSync(actual.body);
  return actual.body;
}

/** A body's text after masking. */
export function normalise(text: string, masks: ReadonlySet<Mask>, path: string, places: Places): string {
  let result = text.replaceAll(places.repository, '<REPOSITORY>');
  if (path === '/v2') result = result.replace(/"version":"[^"]*"/, '"version":"<version>"');
  if (masks.has('metrics')) return normaliseMetrics(result);
  if (masks.has('statistics')) result = result.replace(/"(ns|last_inference|byte_size)":\d+/g, '"$1":0');
  if (masks.has('runtime-text')) result = result.replace(/(onnx runtime error \d+: )(?:[^"\\]|\\.)*/g, '$1<text>');
  if (masks.has('either-input')) result = result.replace(/INPUT\d/g, 'INPUT*');
  if (masks.has('input-list-order'))
    result = result.replace(
      /\[('[^']*'(?:,'[^']*')*)\]/g,
      (_, list: string) => `[${list.split(',').sort().join(',')}]`,
    );
  if (masks.has('map-order') || masks.has('output-order') || isEnsembleAnswer(result)) result = sortedJson(result);
  return result;
}

/** Ensembles answer in the order of a hash table; their answers are known by the parameters they repeat. */
function isEnsembleAnswer(text: string): boolean {
  return text.includes('"parameters":{"sequence_id":');
}

/** Families sorted, lines inside a family sorted, values and label order masked. */
/** Families of our own, which stand behind Triton's. */
const OWN_FAMILY = /^(# (HELP|TYPE) )?nereid_/;

function normaliseMetrics(text: string): string {
  return text
    .split('\n')
    .filter((line) => !OWN_FAMILY.test(line))
    .map((line) =>
      line.startsWith('#')
        ? line
        : line
            .replace(/ [^ ]*$/, ' <value>')
            .replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`),
    )
    .sort()
    .join('\n');
}

function sortedJson(text: string): string {
  try {
    return JSON.stringify(sorted(JSON.parse(text)));
  } catch {
    return text;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted);
    const named = items.every((item) => typeof item === 'object' && item !== null && 'name' in item);
    return named ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
