import { dataTypeByteSize, StatusError, type Tensor } from '@nereid/protocol';
import { requestPrefix, type ScheduledRequest } from '../../inference/index.ts';
import { elementCount } from './gather.ts';

/** One request's part of an output, or why it has none. */
export type OutputPart = Tensor | StatusError;

/**
 * Cuts an output along its batch dimension into one tensor per request; the parts are views, no byte is copied. Triton's rule: each request
 * gets as many rows as its batch size, rows left over are dropped, and a request whose rows are missing fails alone.
 */
export function scatterOutput(output: Tensor, requests: readonly ScheduledRequest[]): OutputPart[] {
  const rows = output.shape[0] ?? 0;
  if (requests.length === 1 && requests[0]?.batchSize === rows) return [output];
  const offsetOf = rowOffsets(output);
  let row = 0;
  return requests.map((request) => {
    const end = row + request.batchSize;
    if (end > rows) {
      row = end;
      return cannotSplit(output.name, request, end, rows);
    }
    const data = output.data.subarray(offsetOf(row), offsetOf(end));
    row = end;
    return { ...output, shape: [request.batchSize, ...output.shape.slice(1)], data };
  });
}

/**
 * An output of kind BATCH_SCATTER_WITH_INPUT_SHAPE: each request gets the next elements of the flat output, in the shape of its own `source`
 * input wherever `dims` (batch dimension included) says -1.
 */
export function scatterByInputShape(
  output: Tensor,
  dims: readonly number[],
  source: number,
  requests: readonly ScheduledRequest[],
): OutputPart[] {
  const size = dataTypeByteSize(output.dataType);
  let position = 0;
  return requests.map((request) => {
    const inputShape = request.inputs[source]?.shape ?? [];
    const shape = dims.map((dim, axis) => (dim === -1 ? (inputShape[axis] ?? 1) : dim));
    const end = position + elementCount(shape) * size;
    const data = output.data.subarray(position, end);
    position = end;
    if (end <= output.data.byteLength) return { ...output, shape, data };
    return cannotSplit(output.name, request, end / size, output.data.byteLength / size);
  });
}

/** Where each row of an output begins in its data. */
function rowOffsets(output: Tensor): (row: number) => number {
  const rows = output.shape[0] ?? 0;
  if (output.dataType === 'BYTES') {
    const offsets = bytesRowOffsets(output, rows);
    return (row) => offsets[row] ?? output.data.byteLength;
  }
  const rowSize = elementCount(output.shape.slice(1)) * dataTypeByteSize(output.dataType);
  return (row) => row * rowSize;
}

function bytesRowOffsets(output: Tensor, rows: number): number[] {
  const perRow = elementCount(output.shape.slice(1));
  const view = new DataView(output.data.buffer, output.data.byteOffset, output.data.byteLength);
  const offsets = [0];
  let position = 0;
  for (let row = 0; row < rows; row++) {
    for (let element = 0; element < perRow; element++) position += 4 + view.getUint32(position, true);
    offsets.push(position);
  }
  return offsets;
}

function cannotSplit(name: string, request: ScheduledRequest, expected: number, got: number): StatusError {
  return new StatusError(
    'UNSUPPORTED',
    `${requestPrefix(request.request)}failed to split the output tensor '${name}' in responses: ` +
      `expected batch size of at least ${expected} in model output, got ${got}`,
  );
}
