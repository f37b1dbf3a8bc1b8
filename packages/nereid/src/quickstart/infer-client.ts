import { ENSEMBLE, STEPS } from './model-repository.ts';

const HEADER_LENGTH = 'inference-header-content-length';

/** A request body, and the length of its JSON part when binary data follows it. */
export interface InferBody {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly jsonLength: number | undefined;
}

/** Time of one model, in milliseconds, for what ran between two readings of its statistics. */
export interface ModelTime {
  readonly model: string;
  readonly queueMs: number;
  readonly computeMs: number;
  readonly totalMs: number;
}

export interface Classification {
  /** One score per class. */
  readonly scores: readonly number[];
  /** As the client saw it. */
  readonly roundTripMs: number;
  readonly requestBytes: number;
  readonly steps: readonly ModelTime[];
  readonly ensemble: ModelTime;
}

/** The photograph as a JSON array of numbers, as the article's first request has it. `topClasses` asks for labels instead of scores. */
export function jsonBody(image: Uint8Array, topClasses?: number): InferBody {
  const request = { inputs: [{ ...input(image), data: [Array.from(image)] }], ...outputs(false, topClasses) };
  return { body: new TextEncoder().encode(JSON.stringify(request)), jsonLength: undefined };
}

/** The photograph's own bytes behind a JSON header. */
export function binaryBody(image: Uint8Array, topClasses?: number): InferBody {
  const request = {
    inputs: [{ ...input(image), parameters: { binary_data_size: image.length } }],
    ...outputs(true, topClasses),
  };
  const header = new TextEncoder().encode(JSON.stringify(request));
  const body = new Uint8Array(header.length + image.length);
  body.set(header);
  body.set(image, header.length);
  return { body, jsonLength: header.length };
}

function input(image: Uint8Array) {
  return { name: 'INPUT', shape: [1, image.length], datatype: 'UINT8' };
}

function outputs(binary: boolean, topClasses: number | undefined) {
  if (topClasses !== undefined) return { outputs: [{ name: 'OUTPUT', parameters: { classification: topClasses } }] };
  return binary ? { outputs: [{ name: 'OUTPUT', parameters: { binary_data: true } }] } : {};
}

/** Sends one request to the ensemble at `baseUrl` and reads the scores, and from the models' statistics where the time went. */
export async function classify(baseUrl: string, { body, jsonLength }: InferBody): Promise<Classification> {
  const before = await readStatistics(baseUrl);
  const startMs = performance.now();
  const response = await fetch(`${baseUrl}/v2/models/${ENSEMBLE}/infer`, {
    method: 'POST',
    headers:
      jsonLength === undefined ? { 'content-type': 'application/json' } : { [HEADER_LENGTH]: String(jsonLength) },
    body,
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const roundTripMs = performance.now() - startMs;
  if (!response.ok) throw new Error(`the server answered ${response.status}: ${new TextDecoder().decode(bytes)}`);
  const scores = readScores(bytes, response.headers.get(HEADER_LENGTH));
  const after = await readStatistics(baseUrl);
  const time = (model: string) => difference(model, before.get(model), after.get(model));
  return { scores, roundTripMs, requestBytes: body.length, steps: STEPS.map(time), ensemble: time(ENSEMBLE) };
}

/** The scores in an answer; `headerLength` tells how long its JSON part is when binary data follows. */
export function readScores(bytes: Uint8Array, headerLength: string | null): number[] {
  const jsonLength = headerLength === null ? bytes.length : Number(headerLength);
  const answer = JSON.parse(new TextDecoder().decode(bytes.subarray(0, jsonLength))) as {
    outputs: [{ data?: number[] }];
  };
  const [output] = answer.outputs;
  if (output.data !== undefined) return output.data;
  // Little-endian FP32 values follow the JSON part.
  const view = new DataView(bytes.buffer, bytes.byteOffset + jsonLength);
  return Array.from({ length: view.byteLength / 4 }, (_, index) => view.getFloat32(index * 4, true));
}

interface InferenceStatistics {
  readonly [name: string]: { readonly ns: number };
}

async function readStatistics(baseUrl: string): Promise<Map<string, InferenceStatistics>> {
  const response = await fetch(`${baseUrl}/v2/models/stats`);
  if (!response.ok)
    throw new Error(`the server answered ${response.status} to a question for statistics: ${await response.text()}`);
  const answer = (await response.json()) as { model_stats: { name: string; inference_stats: InferenceStatistics }[] };
  return new Map(answer.model_stats.map(({ name, inference_stats }) => [name, inference_stats]));
}

function difference(
  model: string,
  before: InferenceStatistics | undefined,
  after: InferenceStatistics | undefined,
): ModelTime {
  const ms = (name: string) => ((after?.[name]?.ns ?? 0) - (before?.[name]?.ns ?? 0)) / 1e6;
  return {
    model,
    queueMs: ms('queue'),
    computeMs: ms('compute_input') + ms('compute_infer') + ms('compute_output'),
    totalMs: ms('success'),
  };
}
