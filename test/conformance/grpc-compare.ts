import { fromJson, type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf';
import { type GrpcAnswer, methodOf } from './grpc-client.ts';
import type { Difference } from './known-differences.ts';
import { normalise, type Places } from './transcripts-compare.ts';
import type { Mask } from './transcripts-types.ts';

export interface RecordedGrpcResponse extends GrpcAnswer {
  /** Set when the request killed the real server; ours has to refuse it. */
  readonly error?: string;
  readonly mask?: readonly Mask[];
}

/** Measured, so never equal. */
const MEASURED: ReadonlySet<string> = new Set(['ns', 'last_inference', 'byte_size']);
const ENSEMBLE_PARAMETER = 'sequence_id';

/** In what an answer differs from a recorded one: status code, details, and the messages after masking. */
export function compareGrpc(
  actual: GrpcAnswer,
  recorded: RecordedGrpcResponse,
  path: string,
  places: Places,
): Difference[] {
  if (recorded.error !== undefined) {
    const refused = actual.code !== undefined && actual.code !== 'OK' && actual.code !== 'UNAVAILABLE';
    return refused
      ? []
      : [{ part: 'status', recorded: `${recorded.error}, so any refusal`, ours: actual.code ?? 'OK' }];
  }
  const masks = new Set(recorded.mask ?? []);
  const text = (value: string) => normalise(value, masks, '', places);
  const differences: Difference[] = [];
  const compare = (part: Difference['part'], ours: string, theirs: string): void => {
    if (ours !== theirs) differences.push({ part, recorded: theirs, ours });
  };
  compare('status', actual.code ?? 'OK', recorded.code ?? 'OK');
  compare('body', anyInput(text(actual.details ?? '')), anyInput(text(recorded.details ?? '')));
  compare('body', actual.bytesBase64 ?? '', recorded.bytesBase64 ?? '');
  const [ours, theirs] = [actual, recorded].map((answer) => text(JSON.stringify(messages(answer, path, masks))));
  compare('body', ours!, theirs!);
  return differences;
}

/** Inputs are checked in the order of a hash table: which of two failing ones is named is chance. */
function anyInput(details: string): string {
  return /has no shape|byte size mismatch|data-type is/.test(details)
    ? details.replace(/'INPUT[01]'/g, "'INPUT*'")
    : details;
}

function messages({ message, responses }: GrpcAnswer, path: string, masks: ReadonlySet<Mask>): JsonValue[] {
  const method = methodOf(path);
  const all = responses ?? (message === undefined ? [] : [message]);
  if (method === undefined) return [...all];
  return all.map((each) => {
    const plain = toJson(method.output, fromJson(method.output, each), { useProtoFieldName: true });
    const masked = masks.has('statistics') ? withoutMeasured(plain) : plain;
    if (method.name === 'ServerMetadata' && isObject(masked)) return { ...masked, version: '<version>' };
    return sortKeys(orderOutputs(masked));
  });
}

function withoutMeasured(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutMeasured);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([name]) => !MEASURED.has(name));
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutMeasured(member)]));
}

/** Ensembles list their outputs in the order of a hash table; their answers are known by their parameters. */
function orderOutputs(message: JsonValue): JsonValue {
  if (!isObject(message)) return message;
  if (isObject(message['infer_response'])) {
    return { ...message, infer_response: orderOutputs(message['infer_response']) };
  }
  const { outputs, parameters, raw_output_contents: contents } = message;
  if (!isObject(parameters) || !(ENSEMBLE_PARAMETER in parameters) || !Array.isArray(outputs)) return message;
  const pairs = outputs.map((output, index) => ({ output, data: Array.isArray(contents) ? contents[index]! : '' }));
  pairs.sort((a, b) => (JSON.stringify(a.output) < JSON.stringify(b.output) ? -1 : 1));
  return {
    ...message,
    outputs: pairs.map(({ output }) => output),
    raw_output_contents: pairs.map(({ data }) => data),
  };
}

function sortKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, member]) => [name, sortKeys(member)]));
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
