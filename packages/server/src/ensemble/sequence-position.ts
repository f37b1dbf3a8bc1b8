import { StatusError } from '@nereid/protocol';
import type { CorrelationId, ParameterValue } from '../inference/index.ts';
import type { SequencePosition } from './frame.ts';

/**
 * Where the steps behind a response belong in a sequence: where the step itself did, unless the response says otherwise in its parameters
 * `sequence_id`, `sequence_start`, `sequence_end`. One of them present resets the flags that are absent, as in Triton.
 * @throws StatusError INVALID_ARG for a parameter of the wrong type
 */
export function responsePosition(
  parameters: ReadonlyMap<string, ParameterValue>,
  own: SequencePosition,
): SequencePosition {
  if (parameters.size === 0) return own;
  const id = parameters.get('sequence_id');
  const start = parameters.get('sequence_start');
  const end = parameters.get('sequence_end');
  if (id === undefined && start === undefined && end === undefined) return own;
  return {
    correlationId: id === undefined ? own.correlationId : toCorrelationId(id),
    start: start !== undefined && toFlag('sequence_start', start),
    end: end !== undefined && toFlag('sequence_end', end),
  };
}

/** As an ensemble's response carries it. */
export function sequenceParameters(position: SequencePosition): ReadonlyMap<string, ParameterValue> {
  const { correlationId } = position;
  return new Map<string, ParameterValue>([
    ['sequence_id', typeof correlationId === 'string' ? correlationId : BigInt.asIntN(64, correlationId)],
    ['sequence_start', position.start],
    ['sequence_end', position.end],
  ]);
}

function toCorrelationId(value: ParameterValue): CorrelationId {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return BigInt.asUintN(64, value);
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt.asUintN(64, BigInt(value));
  throw new StatusError(
    'INVALID_ARG',
    "expected parameter 'sequence_id' to be TRITONSERVER_PARAMETER_INT or TRITONSERVER_PARAMETER_STRING",
  );
}

function toFlag(name: string, value: ParameterValue): boolean {
  if (typeof value === 'boolean') return value;
  throw new StatusError('INVALID_ARG', `expect parameter '${name}' to be TRITONSERVER_PARAMETER_BOOL`);
}
