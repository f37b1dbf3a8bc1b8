import { createHash } from 'node:crypto';
import { gunzipSync, inflateSync } from 'node:zlib';
import type { RawResponse } from './transcripts-client.ts';
import type { Mask, RecordedResponse } from './transcripts-types.ts';

/** Directories of this run that the recording shows as `<REPOSITORY>` and the like. */
export interface Places {
  readonly repository: string;
}

export interface Comparison {
  readonly equal: boolean;
  /** Set when the only difference is a content type that docs/compatibility.md lists as deliberate. */
  readonly contentTypeDiffers?: boolean;
  readonly detail?: string;
}

const COMPARED_HEADERS = ['inference-header-content-length', 'content-encoding', 'accept-encoding'];

/** Compares an answer with a recorded one: status, content type, the Triton headers, and the body after masking. */
export function compareResponse(
  actual: RawResponse,
  recorded: RecordedResponse,
  path: string,
  places: Places,
): Comparison {
  if (recorded.error !== undefined) {
    const refused = actual.status >= 400 && actual.status < 500;
    return refused
      ? { equal: true }
      : { equal: false, detail: `the real server died here; expected 4xx, got ${actual.status}` };
  }
  const problems: string[] = [];
  if (actual.status !== recorded.status) problems.push(`status ${actual.status}, recorded ${recorded.status}`);
  for (const name of COMPARED_HEADERS) {
    const [got, expected] = [actual.headers.get(name), recorded.headers?.[name]];
    if (got !== expected) problems.push(`header ${name}: ${got ?? 'none'}, recorded ${expected ?? 'none'}`);
  }
  const bodyProblem = compareBody(actual, recorded, path, places);
  if (bodyProblem !== undefined) problems.push(bodyProblem);
  const contentType = compareContentType(actual, recorded);
  if (contentType === 'different') {
    problems.push(
      `content-type: ${actual.headers.get('content-type') ?? 'none'}, recorded ${recorded.headers?.['content-type'] ?? 'none'}`,
    );
  }
  if (problems.length > 0) return { equal: false, detail: problems.join('\n      ') };
  return contentType === 'deliberate' ? { equal: true, contentTypeDiffers: true } : { equal: true };
}

/** Triton labels JSON errors from its asynchronous paths `text/plain`; ours says `application/json` and that is deliberate. */
function compareContentType(actual: RawResponse, recorded: RecordedResponse): 'equal' | 'deliberate' | 'different' {
  const [got, expected] = [actual.headers.get('content-type'), recorded.headers?.['content-type']];
  if (got === expected) return 'equal';
  const isJson = actual.body[0] === 0x7b || actual.body[0] === 0x5b;
  if (expected === 'text/plain' && got === 'application/json' && isJson) return 'deliberate';
  // An answer without a body needs no type.
  if (actual.body.length === 0 && got === undefined) return 'deliberate';
  return 'different';
}

function compareBody(
  actual: RawResponse,
  recorded: RecordedResponse,
  path: string,
  places: Places,
): string | undefined {
  const masks = new Set(recorded.mask ?? []);
  if (recorded.bodySha256 !== undefined) {
    const digest = createHash('sha256').update(actual.body).digest('hex');
    return digest === recorded.bodySha256
      ? undefined
      : `body of ${actual.body.length} bytes has another SHA-256 than the recorded ${recorded.bodyLength}`;
  }
  const body = masks.has('compressed') ? decompress(actual) : actual.body;
  const expected = recorded.decodedText ?? recorded.bodyText;
  if (expected === undefined) {
    const bytes = Buffer.from(recorded.decodedBase64 ?? recorded.bodyBase64 ?? '', 'base64');
    return body.equals(bytes)
      ? undefined
      : `body bytes: ${show(body.toString('latin1'))}\n      recorded:   ${show(bytes.toString('latin1'))}`;
  }
  if (recorded.bodyBase64 !== undefined && body.equals(Buffer.from(recorded.bodyBase64, 'base64'))) return undefined;
  const [ours, theirs] = [
    normalise(body.toString('utf8'), masks, path, places),
    normalise(expected, masks, path, places),
  ];
  return ours === theirs ? undefined : `body:     ${show(ours)}\n      recorded: ${show(theirs)}`;
}

function decompress(actual: RawResponse): Buffer {
  const encoding = actual.headers.get('content-encoding');
  if (encoding === 'gzip') return gunzipSync(actual.body);
  if (encoding === 'deflate') return inflateSync(actual.body);
  return actual.body;
}

function normalise(text: string, masks: ReadonlySet<Mask>, path: string, places: Places): string {
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
function normaliseMetrics(text: string): string {
  return text
    .split('\n')
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

function show(text: string): string {
  return text.length <= 700
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, 700))}… (${text.length} characters)`;
}
