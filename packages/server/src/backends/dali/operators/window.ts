import type { ElementType } from '../format/index.ts';
import { type ElementArray, OperatorError, roundHalfAway, saturatingStore } from '../pipeline/index.ts';

export type OutOfBoundsPolicy = 'error' | 'pad' | 'trim_to_shape';
export const OUT_OF_BOUNDS_POLICIES = ['error', 'pad', 'trim_to_shape'] as const;

/** A box of a tensor, per dimension; it may reach outside until `fitWindow` has seen to it. */
export interface Window {
  readonly anchor: readonly number[];
  readonly shape: readonly number[];
}

/**
 * Applies the policy for a window that leaves the input. Throws under `error`; under `trim_to_shape` the window is cut; under `pad` it stays, and
 * what is outside is filled.
 */
export function fitWindow(window: Window, inputShape: readonly number[], policy: OutOfBoundsPolicy): Window {
  const inside = window.anchor.every(
    (start, d) => start >= 0 && window.shape[d]! >= 0 && start + window.shape[d]! <= inputShape[d]!,
  );
  if (inside) return window;
  const negative = window.shape.find((extent) => extent < 0);
  if (negative !== undefined) throw new OperatorError(`the slice's shape (${window.shape.join(', ')}) is negative`);
  if (policy === 'pad') return window;
  if (policy === 'error') {
    throw new OperatorError(
      `the slice with anchor (${window.anchor.join(', ')}) and shape (${window.shape.join(', ')}) does not fit the input's shape (${inputShape.join(', ')})`,
    );
  }
  const anchor = window.anchor.map((start, d) => clamp(start, 0, inputShape[d]!));
  const shape = window.shape.map(
    (extent, d) => clamp(window.anchor[d]! + extent, anchor[d]!, inputShape[d]!) - anchor[d]!,
  );
  return { anchor, shape };
}

/** The part of a window that lies inside the input, relative to both. Undefined when there is none. */
export function overlap(
  window: Window,
  inputShape: readonly number[],
):
  | { readonly inInput: readonly number[]; readonly inWindow: readonly number[]; readonly shape: readonly number[] }
  | undefined {
  const inInput = window.anchor.map((start) => Math.max(start, 0));
  const inWindow = window.anchor.map((start, d) => inInput[d]! - start);
  const shape = window.shape.map((extent, d) => Math.min(window.anchor[d]! + extent, inputShape[d]!) - inInput[d]!);
  return shape.every((extent) => extent > 0) ? { inInput, inWindow, shape } : undefined;
}

/** Fills dense elements, channel c of the dimension with `channelStride` with value c (one value serves all). */
export function fill(
  elements: ElementArray,
  type: ElementType,
  values: readonly number[],
  channels: number,
  channelStride: number,
): void {
  const store = saturatingStore(type, elements);
  if (values.length <= 1) {
    if (elements.length === 0) return;
    store(0, values[0] ?? 0);
    (elements as Uint8Array).fill(elements[0] as number);
    return;
  }
  if (values.length !== channels)
    throw new OperatorError(`${values.length} fill values are given for ${channels} channels`);
  for (let i = 0; i < elements.length; i++) store(i, values[Math.floor(i / channelStride) % channels]!);
}

/** `anchor = round(position * (input - window))`, in double precision. */
export function anchorOf(
  position: number,
  inputExtent: number,
  windowExtent: number,
  rounding: 'round' | 'truncate',
): number {
  const exact = position * (inputExtent - windowExtent);
  return rounding === 'round' ? roundHalfAway(exact) : Math.trunc(exact);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
