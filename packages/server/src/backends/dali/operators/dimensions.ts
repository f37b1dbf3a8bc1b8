import type { ElementType } from '../format/index.ts';
import { type OperatorDefinition, OperatorError, sameTypeUnless } from '../pipeline/index.ts';
import { numbersTensor } from './decode-image.ts';
import { axesByName, axesByNumber } from './image-layout.ts';

/** Inserts dimensions of extent 1; `axes` are positions in the result. */
export const expandDims: OperatorDefinition = {
  names: ['ExpandDims'],
  inputs: [1, 1],
  compile(args) {
    const axes = args.ints('axes');
    const names = args.string('new_axis_names', '');
    if (axes === undefined || axes.length === 0) throw args.fail('argument "axes" is missing');
    if (names !== '' && names.length !== axes.length)
      throw args.fail(`"new_axis_names" has ${names.length} letters for ${axes.length} axes`);
    return {
      scope: 'sample',
      inferTypes: sameTypeUnless(undefined),
      run: (_context, [input]) => {
        const inserted = axesByNumber(axes, input!.shape.length + axes.length);
        const shape: number[] = [];
        let layout = '';
        let next = 0;
        for (let d = 0; d < input!.shape.length + axes.length; d++) {
          const index = inserted.indexOf(d);
          shape.push(index >= 0 ? 1 : input!.shape[next]!);
          layout += index >= 0 ? (names[index] ?? '') : (input!.layout[next] ?? '');
          if (index < 0) next += 1;
        }
        return [input!.alias({ shape, layout: layout.length === shape.length ? layout : '' })];
      },
    };
  },
};

/** Removes dimensions of extent 1. */
export const squeeze: OperatorDefinition = {
  names: ['Squeeze'],
  inputs: [1, 1],
  compile(args) {
    const axes = args.ints('axes');
    const axisNames = args.has('axis_names') ? args.string('axis_names', '') : undefined;
    if ((axes === undefined) === (axisNames === undefined))
      throw args.fail('one of "axes" and "axis_names" must be given');
    return {
      scope: 'sample',
      inferTypes: sameTypeUnless(undefined),
      run: (_context, [input]) => {
        const removed =
          axisNames === undefined ? axesByNumber(axes!, input!.shape.length) : axesByName(axisNames, input!.layout);
        const wide = removed.find((axis) => input!.shape[axis] !== 1);
        if (wide !== undefined)
          throw new OperatorError(
            `dimension ${wide} has extent ${input!.shape[wide]}; only dimensions of extent 1 can be removed`,
          );
        const keep = (_: unknown, d: number): boolean => !removed.includes(d);
        return [input!.alias({ shape: input!.shape.filter(keep), layout: [...input!.layout].filter(keep).join('') })];
      },
    };
  },
};

/** The shape of each sample as a tensor. */
export const shapes: OperatorDefinition = {
  names: ['Shapes'],
  inputs: [1, 1],
  compile(args) {
    const type: ElementType = args.dataType('dtype') ?? args.dataType('type') ?? 'INT64';
    return {
      scope: 'sample',
      inferTypes: () => [type],
      run: (context, [input]) => [numbersTensor(context, type, input!.shape)],
    };
  },
};

/** Operators that hand their input on: DALI uses them to move or split memory. */
export const passThrough: OperatorDefinition = {
  names: ['Copy', 'MakeContiguous', 'Identity'],
  inputs: [1, 1],
  compile: () => ({
    scope: 'sample',
    inferTypes: sameTypeUnless(undefined),
    run: (_context, [input]) => [input!.alias({})],
  }),
};
