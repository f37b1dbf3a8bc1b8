import { BytesWalk, LONG_BYTES_CONTENTS, type Tensor } from '@nereid/protocol';
import type { SliceRunner } from './slice-runner.ts';

/** Are there BYTES contents whose elements take long to count? */
export function hasLongBytes(inputs: readonly Tensor[]): boolean {
  for (const input of inputs) if (isLong(input)) return true;
  return false;
}

/** Counts the elements of long BYTES contents in slices, so that the core need not at once. `done` gets the inputs with what was found. */
export function countLongBytes(
  slices: SliceRunner,
  inputs: readonly Tensor[],
  done: (inputs: readonly Tensor[]) => void,
): void {
  const counted = inputs.map((input) => (isLong(input) ? { ...input, bytesExtent: new BytesWalk(input.data) } : input));
  const walks = counted.flatMap(({ bytesExtent }) => (bytesExtent instanceof BytesWalk ? [bytesExtent] : []));
  let next = 0;
  slices.run(
    () => {
      if (walks[next]!.step()) next++;
      return next === walks.length;
    },
    () => done(counted),
  );
}

function isLong({ dataType, data }: Tensor): boolean {
  return dataType === 'BYTES' && data.byteLength > LONG_BYTES_CONTENTS;
}
