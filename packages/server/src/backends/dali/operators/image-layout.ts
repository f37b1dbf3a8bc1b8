import { OperatorError, type SampleTensor } from '../pipeline/index.ts';

/** DALI's layout for a picture without one: by its number of dimensions. */
const DEFAULT_LAYOUTS: Readonly<Record<number, string>> = { 3: 'HWC', 4: 'FHWC' };

/** The tensor's layout, or the usual one for its dimensions. Throws when there is none, or height and width are not in it. */
export function imageLayout(tensor: SampleTensor): string {
  const layout = tensor.layout === '' ? (DEFAULT_LAYOUTS[tensor.shape.length] ?? '') : tensor.layout;
  if (layout.length !== tensor.shape.length || !layout.includes('H') || !layout.includes('W')) {
    throw new OperatorError(
      `an image is expected but the input has layout "${tensor.layout}" and shape (${tensor.shape.join(', ')})`,
    );
  }
  if (layout.includes('D')) throw new OperatorError(`volumetric input (layout "${layout}") is not supported`);
  return layout;
}

/** Indices of dimensions given as letters of a layout. Throws for a letter that is not in it. */
export function axesByName(names: string, layout: string): number[] {
  return Array.from(names, (name) => {
    const axis = layout.indexOf(name);
    if (axis < 0) throw new OperatorError(`axis "${name}" is not in the layout "${layout}"`);
    return axis;
  });
}

/** Axes as numbers, negative ones from the end. Throws for one out of range or given twice. */
export function axesByNumber(axes: readonly number[], dimensions: number): number[] {
  const resolved = axes.map((axis) => {
    const at = axis < 0 ? axis + dimensions : axis;
    if (at < 0 || at >= dimensions)
      throw new OperatorError(`axis ${axis} is out of range for ${dimensions} dimensions`);
    return at;
  });
  if (new Set(resolved).size !== resolved.length) throw new OperatorError(`axes (${axes.join(', ')}) hold one twice`);
  return resolved;
}
