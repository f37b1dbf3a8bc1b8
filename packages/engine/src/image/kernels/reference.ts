import type { AxisPlan } from './axis-plan.ts';
import { isVerticalFirst, type PixelType } from './resample.ts';

/** A picture in plain arrays, (H, W, C). */
export interface PlainImage {
  readonly data: Uint8Array | Float32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * The resize of `resample.ts` written plainly: the same float32 sums in the same order, so the kernels must give the same bits. Slow; it is what
 * tests compare with.
 */
export function resampleReference(source: PlainImage, rows: AxisPlan, columns: AxisPlan, type: PixelType): PlainImage {
  const steps: ('rows' | 'columns')[] = isVerticalFirst(source, rows, columns)
    ? ['rows', 'columns']
    : ['columns', 'rows'];
  const needed = steps.filter((step) => !(step === 'rows' ? rows : columns).isIdentity);
  if (needed.length === 0) needed.push('rows');
  let image = source;
  needed.forEach((step, index) => {
    const to = index === needed.length - 1 ? type : 'FLOAT';
    image = step === 'rows' ? resampleRows(image, rows, to) : resampleColumns(image, columns, to);
  });
  return image;
}

function resampleRows(source: PlainImage, plan: AxisPlan, type: PixelType): PlainImage {
  const row = source.width * source.channels;
  return resamplePass(
    { ...source, height: plan.outputSize },
    plan,
    type,
    (target, tap) => {
      const y = Math.floor(target / row);
      return source.data[clamp(plan.first[y]! + tap, source.height) * row + (target % row)]!;
    },
    (target) => Math.floor(target / row),
  );
}

function resampleColumns(source: PlainImage, plan: AxisPlan, type: PixelType): PlainImage {
  const { channels } = source;
  const outputRow = plan.outputSize * channels;
  const column = (target: number) => Math.floor((target % outputRow) / channels);
  return resamplePass(
    { ...source, width: plan.outputSize },
    plan,
    type,
    (target, tap) => {
      const y = Math.floor(target / outputRow);
      const x = clamp(plan.first[column(target)]! + tap, source.width);
      return source.data[(y * source.width + x) * channels + (target % channels)]!;
    },
    column,
  );
}

function resamplePass(
  shape: PlainImage,
  plan: AxisPlan,
  type: PixelType,
  sourceAt: (target: number, tap: number) => number,
  indexOf: (target: number) => number,
): PlainImage {
  const length = shape.height * shape.width * shape.channels;
  const data = type === 'UINT8' ? new Uint8Array(length) : new Float32Array(length);
  for (let target = 0; target < length; target++) {
    let sum = type === 'UINT8' ? 0.5 : 0;
    const at = indexOf(target) * plan.support;
    for (let tap = 0; tap < plan.support; tap++) {
      sum = Math.fround(sum + Math.fround(plan.weights[at + tap]! * sourceAt(target, tap)));
    }
    data[target] = type === 'UINT8' ? Math.min(Math.max(Math.trunc(sum), 0), 255) : sum;
  }
  return { ...shape, data };
}

function clamp(index: number, size: number): number {
  return Math.min(Math.max(index, 0), size - 1);
}
