import { cString, StatusError } from '@nereid/protocol';
import type { CorrelationId, ParameterValue } from '../../../inference/index.ts';
import type { InferParameter, InferParameters } from '../codec/infer-request.ts';

/** Longest `sequence_id` given as a string, in bytes. */
const MAX_SEQUENCE_ID_BYTES = 128;
const EMPTY_FINAL_RESPONSE = 'triton_enable_empty_final_response';

/** The `parameters` of a request, each known one in its place. */
export class RequestParameters {
  readonly custom = new Map<string, ParameterValue>();
  correlationId: CorrelationId = 0n;
  sequenceStart = false;
  sequenceEnd = false;
  priority = 0;
  timeoutMicros = 0;
  /** A decoupled model's last, empty response is sent too. */
  emptyFinalResponse = false;

  /** Throws StatusError with Triton's texts. */
  read(parameters: InferParameters): void {
    for (const [name, parameter] of parameters) this.#readOne(name, parameter);
  }

  #readOne(name: string, parameter: InferParameter): void {
    switch (name) {
      case 'sequence_id':
        this.correlationId = sequenceId(parameter);
        break;
      case 'sequence_start':
        this.sequenceStart = flag(name, parameter);
        break;
      case 'sequence_end':
        this.sequenceEnd = flag(name, parameter);
        break;
      case 'priority':
        this.priority = priority(parameter);
        break;
      case 'timeout':
        if (parameter.kind !== 'int64') throw wrongType(name, 'int64_param');
        this.timeoutMicros = Number(BigInt.asUintN(64, parameter.value));
        break;
      case EMPTY_FINAL_RESPONSE:
        this.emptyFinalResponse = flag(name, parameter);
        break;
      default:
        if (name.startsWith('triton_')) {
          throw invalid(
            `parameter keys starting with 'triton_' are reserved for Triton usage. Only the following keys starting with 'triton_' are allowed: ${EMPTY_FINAL_RESPONSE}`,
          );
        }
        this.custom.set(cString(name), customValue(name, parameter));
    }
  }
}

function flag(name: string, parameter: InferParameter): boolean {
  if (parameter.kind !== 'bool') throw wrongType(name, 'bool_param');
  return parameter.value;
}

function sequenceId(parameter: InferParameter): CorrelationId {
  if (parameter.kind === 'int64') return BigInt.asUintN(64, parameter.value);
  if (parameter.kind !== 'string') throw wrongType('sequence_id', 'int64_param or string_param');
  const id = cString(parameter.value);
  if (Buffer.byteLength(id) > MAX_SEQUENCE_ID_BYTES) {
    throw new StatusError(
      'UNSUPPORTED',
      `string correlation ID cannot be longer than ${MAX_SEQUENCE_ID_BYTES} characters`,
    );
  }
  return id;
}

function priority(parameter: InferParameter): number {
  if (parameter.kind !== 'int64' && parameter.kind !== 'uint64') {
    throw wrongType('priority', 'int64_param or uint64_param');
  }
  if (parameter.value < 0n) throw invalid("invalid value for 'priority', expected value >= 0.");
  return Number(parameter.value);
}

function customValue(name: string, parameter: InferParameter): ParameterValue {
  if (parameter.kind === 'none' || parameter.kind === 'uint64') {
    throw wrongType(name, 'int64_param, bool_param, or string_param');
  }
  return parameter.kind === 'string' ? cString(parameter.value) : parameter.value;
}

function wrongType(name: string, expected: string): StatusError {
  return invalid(`invalid value type for '${name}' parameter, expected ${expected}.`);
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
