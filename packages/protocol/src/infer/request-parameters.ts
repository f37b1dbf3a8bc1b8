import {
  cString,
  isJsonInt64,
  JsonDouble,
  JsonObject,
  type JsonValue,
  jsonBoolean,
  jsonString,
  jsonUnsigned,
} from '../json/index.ts';
import { StatusError } from '../status.ts';
import type { WireParameter } from './request.ts';

/** Longest `sequence_id` given as a string, in bytes. */
const MAX_SEQUENCE_ID_BYTES = 128;
/** Parameters one request may carry: a bound of this server, far above what any model reads. */
const MAX_PARAMETERS = 10_000;
const encoder = new TextEncoder();

/** The `parameters` object of a request, each known one in its place. */
export class RequestParameters {
  readonly custom = new Map<string, WireParameter>();
  correlationId: bigint | string = 0n;
  sequenceStart = false;
  sequenceEnd = false;
  priority = 0;
  timeoutMicros = 0;
  binaryOutputs = false;

  /** Throws StatusError with Triton's texts; an absent `parameters` member is no error. */
  read(parameters: JsonValue | undefined): void {
    if (parameters === undefined) return;
    if (!(parameters instanceof JsonObject)) {
      throw new StatusError('INTERNAL', 'failed to get request params.: attempt to get members for non-object');
    }
    const count = parameters.names.length;
    if (count > MAX_PARAMETERS) {
      throw new StatusError('INVALID_ARG', `request has ${count} parameters, the limit is ${MAX_PARAMETERS}`);
    }
    const seen = count > 1 ? new Set<string>() : undefined;
    for (let index = 0; index < count; index++) {
      const name = cString(parameters.names[index]!);
      if (seen?.has(name) === true) continue;
      seen?.add(name);
      this.#readOne(name, parameters.values[index]!);
    }
  }

  #readOne(name: string, value: JsonValue): void {
    switch (name) {
      case 'sequence_id':
        this.correlationId = sequenceId(value);
        break;
      case 'sequence_start':
        this.sequenceStart = jsonBoolean(value, "Unable to parse 'sequence_start'");
        break;
      case 'sequence_end':
        this.sequenceEnd = jsonBoolean(value, "Unable to parse 'sequence_end'");
        break;
      case 'priority':
        this.priority = Number(jsonUnsigned(value, "Unable to parse 'priority'"));
        break;
      case 'timeout':
        this.timeoutMicros = Number(jsonUnsigned(value, "Unable to parse 'timeout'"));
        break;
      case 'binary_data_output':
        this.binaryOutputs = jsonBoolean(value, "Unable to parse 'binary_data_output'");
        break;
      default:
        if (name.startsWith('triton_')) {
          throw new StatusError(
            'INVALID_ARG',
            "parameter keys starting with 'triton_' are reserved for Triton usage and should not be specified.",
          );
        }
        this.custom.set(name, customParameter(name, value));
    }
  }
}

/** A parameter of the client's own. Throws StatusError INVALID_ARG for null, arrays and objects. */
export function customParameter(name: string, value: JsonValue): WireParameter {
  if (typeof value === 'string') return cString(value);
  if (typeof value === 'boolean') return value;
  if (isJsonInt64(value)) return BigInt(value);
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof JsonDouble) return value.value;
  throw new StatusError(
    'INVALID_ARG',
    `parameter '${name}' has invalid type. It should be either 'int', 'bool', or 'string'.`,
  );
}

function sequenceId(value: JsonValue): bigint | string {
  if ((typeof value === 'number' || typeof value === 'bigint') && value >= 0) return BigInt(value);
  const id = cString(jsonString(value, "Unable to parse 'sequence_id'"));
  if (id.length > MAX_SEQUENCE_ID_BYTES || encoder.encode(id).length > MAX_SEQUENCE_ID_BYTES) {
    throw new StatusError(
      'UNSUPPORTED',
      `string correlation ID cannot be longer than ${MAX_SEQUENCE_ID_BYTES} characters`,
    );
  }
  return id;
}
