import { arithmetic } from '../arithmetic/index.ts';
import type { OperatorDefinition, OperatorTable } from '../pipeline/index.ts';
import { cast } from './cast.ts';
import { constant } from './constant.ts';
import { crop } from './crop.ts';
import { cropMirrorNormalize } from './crop-mirror-normalize.ts';
import { decodeImage, decodeImageCrop, decodeImageSlice, peekImageShape } from './decode-image.ts';
import { expandDims, passThrough, shapes, squeeze } from './dimensions.ts';
import { flip } from './flip.ts';
import { cat, stack } from './join.ts';
import { normalize } from './normalize.ts';
import { pad } from './pad.ts';
import { reinterpret, reshape } from './reshape.ts';
import { resize } from './resize.ts';
import { slice } from './slice.ts';
import { subscriptDimCheck, tensorSubscript } from './subscript.ts';
import { transpose } from './transpose.ts';

const DEFINITIONS: readonly OperatorDefinition[] = [
  arithmetic,
  cast,
  cat,
  constant,
  crop,
  cropMirrorNormalize,
  decodeImage,
  decodeImageCrop,
  decodeImageSlice,
  expandDims,
  flip,
  normalize,
  pad,
  passThrough,
  peekImageShape,
  reinterpret,
  reshape,
  resize,
  shapes,
  slice,
  squeeze,
  stack,
  subscriptDimCheck,
  tensorSubscript,
  transpose,
];

/** Every operator by each of its schema names; a leading underscore (DALI's mark for hidden operators) is no part of them. */
const OPERATORS: ReadonlyMap<string, OperatorDefinition> = new Map(
  DEFINITIONS.flatMap((definition) => definition.names.map((name) => [name, definition] as const)),
);

/** Why an operator that DALI has is not here; undefined for a name that nothing more is known about. */
function refusalOf(name: string): string | undefined {
  if (/random|^CoinFlip$|^Uniform$|^NormalDistribution$|Jitter$|RandomResizedCrop|^RandomBBoxCrop$/i.test(name)) {
    return "it needs DALI's random number generator; inference pipelines must not be random";
  }
  if (/video/i.test(name)) return 'video is decoded on a GPU only';
  if (/^readers__|Reader$/.test(name))
    return 'readers fetch training data; an inference pipeline gets its data from an external source';
  if (/^Python|PythonFunction$|^NumbaFunction$|^TorchPythonFunction$/.test(name))
    return 'functions in Python cannot run here';
  return undefined;
}

/** What pipelines are compiled with. */
export const OPERATOR_TABLE: OperatorTable = { operators: OPERATORS, refusalOf };
