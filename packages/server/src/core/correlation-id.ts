import type { DataType } from '@nereid/protocol';
import { StatusError } from '@nereid/protocol';
import { ModelSequenceBatching_Control_Kind as ControlKind, type ModelConfig } from '@nereid/protocol/model-config';
import { toProtocolDataType } from '../config/index.ts';
import { type InferenceRequest, requestPrefix } from '../inference/index.ts';

/** In UTF-8 bytes. */
const MAX_ID_BYTES = 128;

/** The control input through which a sequence model learns the id. */
export interface CorrelationControl {
  readonly name: string;
  readonly dataType: DataType;
}

/** Undefined for a model that does not want to know the id. */
export function correlationControl(config: ModelConfig): CorrelationControl | undefined {
  if (config.schedulingChoice.case !== 'sequenceBatching') return undefined;
  for (const { name, control } of config.schedulingChoice.value.controlInput) {
    const found = control.find(({ kind }) => kind === ControlKind.CONTROL_SEQUENCE_CORRID);
    const dataType = found && toProtocolDataType(found.dataType);
    if (dataType !== undefined) return { name, dataType };
  }
  return undefined;
}

/**
 * Checks the type of a request's correlation id against the model, as Triton does since 24.12, and its length.
 * @throws StatusError UNSUPPORTED, INVALID_ARG
 */
export function checkCorrelationId(
  modelName: string,
  control: CorrelationControl | undefined,
  request: InferenceRequest,
): void {
  const { correlationId } = request;
  const isText = typeof correlationId === 'string';
  // A UTF-16 unit is one to three bytes: most ids need no look at their bytes.
  if (isText && correlationId.length * 3 > MAX_ID_BYTES && Buffer.byteLength(correlationId) > MAX_ID_BYTES) {
    throw new StatusError('UNSUPPORTED', `string correlation ID cannot be longer than ${MAX_ID_BYTES} characters`);
  }
  if (control === undefined || correlationId === 0n || correlationId === '') return;
  if (isText === (control.dataType === 'BYTES')) return;
  throw new StatusError(
    'INVALID_ARG',
    `${requestPrefix(request)}sequence batching control '${control.name}' data-type is '${isText ? 'BYTES' : 'UINT64'}', but model '${modelName}' expects '${control.dataType}'`,
  );
}
