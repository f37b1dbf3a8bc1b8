import { convertElements, type OperatorDefinition } from '../pipeline/index.ts';

/** Another element type, with saturation: to integers rounded half away from zero. */
export const cast: OperatorDefinition = {
  names: ['Cast'],
  inputs: [1, 1],
  compile(args) {
    const type = args.dataType('dtype');
    if (type === undefined) throw args.fail('argument "dtype" is missing');
    return {
      scope: 'sample',
      inferTypes: () => [type],
      run: (context, [input]) => {
        if (input!.type === type) return [input!.alias({})];
        const output = context.allocate(type, input!.shape, input!.layout);
        convertElements(input!.elements(), input!.type, output.elements(), type);
        return [output];
      },
    };
  },
};
