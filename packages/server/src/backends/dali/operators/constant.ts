import { elementByteSize } from '../format/index.ts';
import { type OperatorDefinition, SampleTensor, saturatingStore, viewElements, volume } from '../pipeline/index.ts';

const MAX_BYTES = 2 ** 28;

/** The same tensor for every sample: `shape`, `fdata` or `idata` (one value fills all), `dtype`, `layout`. */
export const constant: OperatorDefinition = {
  names: ['Constant'],
  inputs: [0, 0],
  compile(args) {
    const floats = args.floats('fdata');
    const integers = args.bigints('idata');
    if ((floats === undefined) === (integers === undefined))
      throw args.fail('one of "fdata" and "idata" must be given');
    const count = floats?.length ?? integers?.length ?? 0;
    const shape = args.ints('shape') ?? (count === 1 ? [] : [count]);
    const type = args.dataType('dtype') ?? (floats === undefined ? 'INT32' : 'FLOAT');
    const layout = args.string('layout', '');
    if (shape.some((extent) => extent < 0)) throw args.fail(`the shape (${shape.join(', ')}) is negative`);
    const size = volume(shape);
    if (!(size * elementByteSize(type) <= MAX_BYTES))
      throw args.fail(`a constant of shape (${shape.join(', ')}) is too large`);
    if (count !== size && count !== 1) throw args.fail(`${count} values are given for the shape (${shape.join(', ')})`);
    const bytes = new Uint8Array(size * elementByteSize(type));
    const elements = viewElements(type, bytes);
    if (integers !== undefined && (elements instanceof BigInt64Array || elements instanceof BigUint64Array)) {
      for (let i = 0; i < size; i++) elements[i] = integers[count === 1 ? 0 : i]!;
    } else {
      const values = floats ?? integers!.map(Number);
      const store = saturatingStore(type, elements);
      for (let i = 0; i < size; i++) store(i, values[count === 1 ? 0 : i]!);
    }
    return { scope: 'sample', inferTypes: () => [type], run: () => [SampleTensor.borrow(type, shape, layout, bytes)] };
  },
};
