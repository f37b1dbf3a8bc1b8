import {
  BatchInput_KindSchema,
  BatchOutput_KindSchema,
  DataType,
  type ModelConfig,
} from '@nereid/protocol/model-config';
import type { FieldPath } from '../field-path.ts';
import { invalid, type Problems } from '../problem.ts';

/** The inputs that the server makes from a ragged batch, and the outputs it takes apart by one. */
export function* batchIoProblems(config: ModelConfig): Problems {
  const inputs = new Set(config.input.map((input) => input.name));
  const outputs = new Set(config.output.map((output) => output.name));
  for (const [index, batchInput] of config.batchInput.entries()) {
    const path = ['batch_input', index] as const;
    const kind = BatchInput_KindSchema.value[batchInput.kind]?.name;
    yield* kindProblems('input', kind, batchInput.sourceInput.length, path);
    if (batchInput.dataType !== DataType.TYPE_INT32 && batchInput.dataType !== DataType.TYPE_FP32) {
      yield invalid('batch input data type must be TYPE_INT32 or TYPE_FP32', ...path, 'data_type');
    }
    yield* sourceProblems(batchInput.sourceInput, inputs, path);
  }
  for (const [index, batchOutput] of config.batchOutput.entries()) {
    const path = ['batch_output', index] as const;
    const kind = BatchOutput_KindSchema.value[batchOutput.kind]?.name;
    yield* kindProblems('output', kind, batchOutput.sourceInput.length, path);
    yield* sourceProblems(batchOutput.sourceInput, inputs, path);
    yield* targetProblems(batchOutput.targetName, outputs, path);
  }
}

/** `kind` is undefined for a number that the schema does not know; Triton prints an empty name then. */
function* kindProblems(side: string, kind: string | undefined, sources: number, path: FieldPath): Problems {
  if (kind === undefined) yield invalid(`unknown batch ${side} kind ''`, ...path, 'kind');
  else if (sources !== 1) {
    yield invalid(`batch ${side} kind '${kind}' expects 1 source input, got ${sources}`, ...path, 'source_input');
  }
}

function* sourceProblems(sources: readonly string[], inputs: ReadonlySet<string>, path: FieldPath): Problems {
  for (const [index, source] of sources.entries()) {
    if (!inputs.has(source)) yield invalid(`unknown source input name '${source}'`, ...path, 'source_input', index);
  }
}

function* targetProblems(targets: readonly string[], outputs: ReadonlySet<string>, path: FieldPath): Problems {
  const seen = new Set<string>();
  for (const [index, target] of targets.entries()) {
    const targetPath = [...path, 'target_name', index] as const;
    if (!outputs.has(target)) yield invalid(`unknown target output name '${target}'`, ...targetPath);
    else if (seen.has(target))
      yield invalid(`target output name '${target}' can only be specified once`, ...targetPath);
    seen.add(target);
  }
}
