import { type Argument, DALI_TYPES } from '../format/index.ts';

/** `DALIImageType` */
export const IMAGE_TYPES = { RGB: 0, BGR: 1, GRAY: 2, YCbCr: 3, ANY_DATA: 4 } as const;
/** `DALIInterpType` */
export const INTERPOLATIONS = { NN: 0, LINEAR: 1, CUBIC: 2, LANCZOS3: 3, TRIANGULAR: 4, GAUSSIAN: 5 } as const;

export type ImageType = keyof typeof IMAGE_TYPES;
export type Interpolation = keyof typeof INTERPOLATIONS;

type ArgumentKind =
  | 'bool'
  | 'int'
  | 'ints'
  | 'float'
  | 'floats'
  | 'string'
  | 'dataType'
  | 'imageType'
  | 'interpolation';

/** What DALI's operator schemas declare each argument as; a name means the same in every operator that has it. */
const ARGUMENT_KINDS: Readonly<Record<string, ArgumentKind>> = {
  adjust_orientation: 'bool',
  align: 'ints',
  antialias: 'bool',
  axes: 'ints',
  axis: 'int',
  axis_names: 'string',
  batch: 'bool',
  crop: 'floats',
  crop_d: 'float',
  crop_h: 'float',
  crop_pos_x: 'float',
  crop_pos_y: 'float',
  crop_pos_z: 'float',
  crop_w: 'float',
  ddof: 'int',
  depthwise: 'int',
  device: 'string',
  dtype: 'dataType',
  end: 'ints',
  epsilon: 'float',
  expression_desc: 'string',
  fdata: 'floats',
  fill_value: 'float',
  fill_values: 'floats',
  horizontal: 'int',
  idata: 'ints',
  image_type: 'imageType',
  integer_constants: 'ints',
  interp_type: 'interpolation',
  layout: 'string',
  mag_filter: 'interpolation',
  max_size: 'floats',
  mean: 'floats',
  min_filter: 'interpolation',
  mirror: 'int',
  mode: 'string',
  ndim: 'int',
  new_axis_names: 'string',
  normalized_anchor: 'bool',
  normalized_shape: 'bool',
  num_subscripts: 'int',
  out_of_bounds_policy: 'string',
  output_layout: 'string',
  output_type: 'imageType',
  pad_output: 'bool',
  perm: 'ints',
  real_constants: 'floats',
  rel_end: 'floats',
  rel_shape: 'floats',
  rel_start: 'floats',
  resize_longer: 'float',
  resize_shorter: 'float',
  resize_x: 'float',
  resize_y: 'float',
  resize_z: 'float',
  roi_end: 'floats',
  roi_relative: 'bool',
  roi_start: 'floats',
  rounding: 'string',
  save_attrs: 'bool',
  scale: 'float',
  shape: 'ints',
  shift: 'float',
  size: 'floats',
  src_dims: 'ints',
  start: 'ints',
  std: 'floats',
  stddev: 'floats',
  subpixel_scale: 'bool',
  transpose_layout: 'bool',
  use_fast_idct: 'bool',
  vertical: 'int',
};

/** TensorSubscript numbers its arguments by dimension. */
const SUBSCRIPT = /^(at|lo|hi|step)_\d{1,2}$/;

export type ArgumentValue = boolean | number | string | readonly number[];

/** One argument in DALI's form. Throws TypeError when the name is unknown or the value is of another kind. */
export function makeArgument(name: string, value: ArgumentValue): Argument {
  const kind = SUBSCRIPT.test(name) ? 'int' : ARGUMENT_KINDS[name];
  if (kind === undefined) throw new TypeError(`no DALI argument is called "${name}"`);
  if (kind === 'bool') return scalar(name, 'bool', { bools: [expectType(name, value, 'boolean')] });
  if (kind === 'string') return scalar(name, 'string', { strings: [expectType(name, value, 'string')] });
  if (kind === 'dataType') return int(name, lookUp(name, value, DALI_TYPES));
  if (kind === 'imageType') return int(name, lookUp(name, value, IMAGE_TYPES));
  if (kind === 'interpolation') return int(name, lookUp(name, value, INTERPOLATIONS));
  if (kind === 'int') return int(name, Number(value));
  if (kind === 'float') return float(name, expectType(name, value, 'number'));
  const items = Array.isArray(value) ? value : [value];
  const type = kind === 'ints' ? 'int64' : 'float';
  const extraArgs = items.map((item, index) => (kind === 'ints' ? int : float)(`element ${index}`, Number(item)));
  return { ...scalar(name, type, {}), extraArgs, isVector: true };
}

function int(name: string, value: number): Argument {
  if (!Number.isSafeInteger(value)) throw new TypeError(`argument "${name}" takes an integer, not ${value}`);
  return scalar(name, 'int64', { ints: [BigInt(value)] });
}

function float(name: string, value: number): Argument {
  return scalar(name, 'float', { floats: [Math.fround(value)] });
}

function scalar(name: string, type: string, values: Partial<Argument>): Argument {
  return { name, type, floats: [], ints: [], strings: [], bools: [], extraArgs: [], isVector: false, ...values };
}

function lookUp(name: string, value: ArgumentValue, table: Readonly<Record<string, number>>): number {
  const found = typeof value === 'string' && Object.hasOwn(table, value) ? table[value] : undefined;
  if (found === undefined)
    throw new TypeError(`argument "${name}" takes one of ${Object.keys(table).join(', ')}, not ${value}`);
  return found;
}

function expectType<K extends 'boolean' | 'number' | 'string'>(
  name: string,
  value: ArgumentValue,
  type: K,
): K extends 'boolean' ? boolean : K extends 'number' ? number : string;
function expectType(name: string, value: ArgumentValue, type: string): ArgumentValue {
  if (typeof value !== type) throw new TypeError(`argument "${name}" takes a ${type}, not ${value}`);
  return value;
}
