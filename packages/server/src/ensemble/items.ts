import { StatusError, type Tensor } from '@nereid/protocol';

/** How a tensor that a step maps over is laid out: (items, …) or (batch, items, …). */
export interface ItemLayout {
  /** Rows of the batch dimension; undefined without one. */
  readonly batchSize: number | undefined;
  /** Items of each row. */
  readonly itemCount: number;
}

/**
 * The layout of a tensor whose items have `itemRank` dimensions.
 * @throws StatusError INVALID_ARG when the tensor has neither one nor two dimensions more
 */
export function itemLayout({ name, shape }: Tensor, itemRank: number): ItemLayout {
  const [first = 0, second = 0] = shape;
  if (shape.length === itemRank + 1) return { batchSize: undefined, itemCount: first };
  if (shape.length === itemRank + 2) return { batchSize: first, itemCount: second };
  throw new StatusError(
    'INVALID_ARG',
    `tensor '${name}' has shape [${shape.join(',')}], but a step maps over it whose items have ${itemRank} dimensions`,
  );
}

export function totalItems({ batchSize = 1, itemCount }: ItemLayout): number {
  return batchSize * itemCount;
}

/** Where each of `count` equal parts of a tensor begins in its bytes, and where the last one ends. */
export function partOffsets({ dataType, shape, data }: Tensor, count: number): ArrayLike<number> {
  const offsets = new Float64Array(count + 1);
  if (dataType !== 'BYTES') {
    for (let part = 1; part <= count; part++) offsets[part] = (data.byteLength / count) * part;
    return offsets;
  }
  const elements = shape.reduce((product, dim) => product * dim, 1) / count;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let offset = 0;
  for (let part = 1; part <= count; part++) {
    for (let element = 0; element < elements && offset + 4 <= data.byteLength; element++) {
      offset += 4 + view.getUint32(offset, true);
    }
    offsets[part] = Math.min(offset, data.byteLength);
  }
  return offsets;
}

/** A tensor of (`copies`, …): the same bytes once for each. The tensor itself without a copy for 1. */
export function repeated(tensor: Tensor, copies: number): Tensor {
  const shape = [copies, ...tensor.shape];
  if (copies === 1) return { ...tensor, shape };
  const size = tensor.data.byteLength;
  const data = new Uint8Array(size * copies);
  for (let copy = 0; copy < copies; copy++) data.set(tensor.data, copy * size);
  return { ...tensor, shape, data };
}

/** Joins tensors along their first dimension; the others must agree. One tensor is passed on without a copy. */
export function joined(parts: readonly Tensor[]): Tensor {
  const [first] = parts as [Tensor, ...Tensor[]];
  if (parts.length === 1) return first;
  const item = first.shape.slice(1);
  let rows = 0;
  let byteSize = 0;
  for (const { shape, data } of parts) {
    if (shape.length !== item.length + 1 || item.some((dim, axis) => shape[axis + 1] !== dim)) {
      throw new StatusError(
        'INVALID_ARG',
        `output '${first.name}' has shape [${item.join(',')}] for one item and [${shape.slice(1).join(',')}] for another, so they cannot be gathered`,
      );
    }
    rows += shape[0]!;
    byteSize += data.byteLength;
  }
  const data = new Uint8Array(byteSize);
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.byteLength;
  }
  return { name: first.name, dataType: first.dataType, shape: [rows, ...item], data };
}
