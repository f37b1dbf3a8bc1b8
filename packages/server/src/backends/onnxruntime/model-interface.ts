import type { Session, ValueInfo, ValueKind } from '@nereid/engine';
import { StatusError } from '@nereid/protocol';

/** Inputs and outputs of an ONNX model, as configurations are checked against them. */
export interface ModelInterface {
  readonly inputs: readonly ValueInfo[];
  /** Initialisers that a request may override; a configuration lists them as optional inputs. */
  readonly optionalInputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

const ONNX_TYPE_NAMES: Readonly<Record<ValueKind, string>> = {
  unknown: 'ONNX_TYPE_UNKNOWN',
  tensor: 'ONNX_TYPE_TENSOR',
  sequence: 'ONNX_TYPE_SEQUENCE',
  map: 'ONNX_TYPE_MAP',
  opaque: 'ONNX_TYPE_OPAQUE',
  sparse_tensor: 'ONNX_TYPE_SPARSETENSOR',
  optional: 'ONNX_TYPE_OPTIONAL',
};

/** @throws StatusError UNSUPPORTED when an input or output is not a tensor */
export function modelInterface(session: Session): ModelInterface {
  for (const { kind, name } of [...session.inputs, ...session.outputs]) {
    if (kind === 'tensor') continue;
    throw new StatusError(
      'UNSUPPORTED',
      `Unsupported ONNX Type '${ONNX_TYPE_NAMES[kind]}' for I/O '${name}', expected 'ONNX_TYPE_TENSOR'.`,
    );
  }
  return {
    inputs: session.inputs.slice(0, session.requiredInputCount),
    optionalInputs: session.inputs.slice(session.requiredInputCount),
    outputs: session.outputs,
  };
}

/** A model's element type under a configuration's name, as Triton prints one it does not know. */
export function configTypeName({ dataType }: ValueInfo): string {
  if (dataType === undefined) return 'TYPE_<invalid>';
  return `TYPE_${dataType}`;
}
