import { BYTES_PREFIX_SIZE, dataTypeByteSize, StatusError, type Tensor } from '@nereid/protocol';
import type { ModelHandle } from '../../inference/index.ts';

/** What error texts call the input of a raw request. */
export const RAW_INPUT_NAME = 'raw_input';
const ID_PREFIX = '[request id: <id_unknown>] ';

/**
 * The tensor of a request whose body is nothing but the contents of the model's only input: batch 1 for a batching model, and at most one
 * dimension found from the size. Throws StatusError INVALID_ARG with Triton's texts.
 */
export function rawInput(body: Uint8Array, model: ModelHandle, maxInputBytes: number): Tensor {
  if (body.byteLength > maxInputBytes) throw rawTooLarge(body.byteLength, maxInputBytes);
  const { inputs, maxBatchSize } = model.signature;
  const input = inputs[0];
  if (input === undefined || inputs.length !== 1) {
    throw invalid(
      `Raw request must only have 1 input (found 1) to be deduced but got ${inputs.length} inputs in '${model.name}' model configuration`,
    );
  }
  const { name, dataType, dims } = input;
  const known = dims.reduce((product, dim) => (dim === -1 ? product : product * dim), 1);
  const variable = dims.filter((dim) => dim === -1).length;
  if (variable > 1) {
    throw invalid(
      `The shape of the raw input '${name}' can not be deduced because there are more than one variable-sized dimension`,
    );
  }
  const batch = maxBatchSize > 0 ? [1] : [];
  if (dataType === 'BYTES') {
    if (variable > 0 || known !== 1) {
      throw invalid(`For BYTE datatype raw input '${name}', the model must have input shape [1]`);
    }
    return { name, dataType, shape: [...batch, ...dims], data: withPrefix(body) };
  }
  const found = Math.floor(body.byteLength / known / dataTypeByteSize(dataType));
  return { name, dataType, shape: [...batch, ...dims.map((dim) => (dim === -1 ? found : dim))], data: plain(body) };
}

/** The same bytes without what Node's Buffer does differently. */
function plain(body: Uint8Array): Uint8Array {
  return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
}

export function rawTooLarge(byteLength: number, maxInputBytes: number): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `Raw input has a byte_size (${byteLength} bytes) that exceeds the maximum allowed value of ${maxInputBytes} bytes. Use --http-max-input-size to increase the limit.`,
  );
}

function withPrefix(element: Uint8Array): Uint8Array {
  const data = new Uint8Array(BYTES_PREFIX_SIZE + element.byteLength);
  new DataView(data.buffer).setUint32(0, element.byteLength, true);
  data.set(element, BYTES_PREFIX_SIZE);
  return data;
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', ID_PREFIX + message);
}
