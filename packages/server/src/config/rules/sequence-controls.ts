import {
  DataType,
  ModelSequenceBatching_Control_Kind as Kind,
  ModelSequenceBatching_Control_KindSchema as KindSchema,
  type ModelSequenceBatching,
  type ModelSequenceBatching_Control,
} from '@nereid/protocol/model-config';
import { configDataTypeName } from '../data-type.ts';
import type { FieldPath } from '../field-path.ts';
import { invalid, type Problems } from '../problem.ts';

/** The order in which Triton looks for the controls decides which of several problems it reports. */
const KINDS = [
  Kind.CONTROL_SEQUENCE_START,
  Kind.CONTROL_SEQUENCE_END,
  Kind.CONTROL_SEQUENCE_READY,
  Kind.CONTROL_SEQUENCE_CORRID,
] as const;

const CORRELATION_ID_TYPES = [
  DataType.TYPE_UINT64,
  DataType.TYPE_INT64,
  DataType.TYPE_UINT32,
  DataType.TYPE_INT32,
  DataType.TYPE_STRING,
];

/** The tensors that tell a model where a sequence starts, ends, is ready, and which one it is. */
export function* sequenceControlProblems(batching: ModelSequenceBatching, modelName: string): Problems {
  for (const kind of KINDS) yield* kindProblems(batching, modelName, kind);
}

function* kindProblems(batching: ModelSequenceBatching, modelName: string, kind: Kind): Problems {
  const names = new Set<string>();
  let seen = false;
  for (const [index, input] of batching.controlInput.entries()) {
    const path = ['sequence_batching', 'control_input', index] as const;
    // Triton finds these again for every kind; once is enough.
    if (kind === KINDS[0]) yield* nameProblems(names, input.name, modelName, path);
    names.add(input.name);
    for (const [position, control] of input.control.entries()) {
      if (control.kind !== kind) continue;
      const controlPath = [...path, 'control', position] as const;
      if (seen) {
        yield invalid(
          `sequence batching specifies multiple ${kindName(kind)} tensors for ${modelName}`,
          ...controlPath,
        );
      }
      seen = true;
      yield* kind === Kind.CONTROL_SEQUENCE_CORRID
        ? correlationIdProblems(control, modelName, controlPath)
        : booleanProblems(control, modelName, controlPath);
    }
  }
}

function* nameProblems(names: ReadonlySet<string>, name: string, modelName: string, path: FieldPath): Problems {
  if (name === '') yield invalid(`sequence batching control tensor must have a name for ${modelName}`, ...path);
  else if (names.has(name)) {
    const message = `sequence batching control tensor '${name}' is specified for multiple control kinds for ${modelName}`;
    yield invalid(message, ...path, 'name');
  }
}

function* booleanProblems(control: ModelSequenceBatching_Control, modelName: string, path: FieldPath): Problems {
  const subject = `for ${kindName(control.kind)} for ${modelName}`;
  const values = [
    { field: 'int32_false_true', count: control.int32FalseTrue.length },
    { field: 'fp32_false_true', count: control.fp32FalseTrue.length },
    { field: 'bool_false_true', count: control.boolFalseTrue.length },
  ].filter((value) => value.count > 0);
  if (values.length === 0) {
    const choice = "either 'int32_false_true', 'fp32_false_true' or 'bool_false_true'";
    yield invalid(`sequence batching must specify ${choice} ${subject}`, ...path);
  } else if (values.length > 1) {
    const choice = "more than one from 'int32_false_true', 'fp32_false_true' and 'bool_false_true'";
    yield invalid(`sequence batching specifies ${choice} ${subject}`, ...path);
  }
  for (const { field, count } of values) {
    if (count === 2) continue;
    yield invalid(`sequence batching control '${field}' must have exactly 2 entries ${subject}`, ...path, field);
  }
}

function* correlationIdProblems(control: ModelSequenceBatching_Control, modelName: string, path: FieldPath): Problems {
  const count = control.int32FalseTrue.length + control.fp32FalseTrue.length + control.boolFalseTrue.length;
  const kind = kindName(control.kind);
  if (count > 0) {
    const choice = "either 'int32_false_true', 'fp32_false_true' or 'bool_false_true'";
    yield invalid(`sequence batching must not specify ${choice} for ${kind} for ${modelName}`, ...path);
  }
  if (!CORRELATION_ID_TYPES.includes(control.dataType)) {
    const names = CORRELATION_ID_TYPES.map(configDataTypeName);
    const allowed = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
    const message = `unexpected data type for control ${kind} for ${modelName}. Allowed data types are ${allowed}`;
    yield invalid(message, ...path, 'data_type');
  }
}

function kindName(kind: Kind): string {
  return KindSchema.value[kind]?.name ?? String(kind);
}
