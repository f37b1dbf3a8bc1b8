import type { ValueInfo } from '@nereid/engine';
import { StatusError } from '@nereid/protocol';
import {
  DataType,
  ModelSequenceBatching_Control_Kind as Kind,
  type ModelSequenceBatching,
  type ModelSequenceBatching_Control,
} from '@nereid/protocol/model-config';
import { configDataTypeName, type ModelConfig, printDims, toProtocolDataType } from '../../config/index.ts';
import { cannotLoad, findTensor } from './check-tensors.ts';
import type { ModelInterface } from './model-interface.ts';

const CONTROL_KINDS = [
  Kind.CONTROL_SEQUENCE_START,
  Kind.CONTROL_SEQUENCE_END,
  Kind.CONTROL_SEQUENCE_READY,
  Kind.CONTROL_SEQUENCE_CORRID,
];

/**
 * Checks the control inputs and the states of a sequence batcher against the model. Returns how many of the model's inputs they are.
 * @throws StatusError with Triton's texts
 */
export function checkSequenceTensors(config: ModelConfig, model: ModelInterface): number {
  if (config.schedulingChoice.case !== 'sequenceBatching') return 0;
  const batching = config.schedulingChoice.value;
  let count = 0;
  for (const kind of CONTROL_KINDS) {
    const found = findControl(batching, kind);
    if (found === undefined) continue;
    count++;
    checkControl(config, model, found.name, controlType(found.control));
  }
  for (const { outputName } of batching.state) findTensor('output', outputName, model.outputs);
  return count + batching.state.length;
}

function findControl(
  batching: ModelSequenceBatching,
  kind: Kind,
): { name: string; control: ModelSequenceBatching_Control } | undefined {
  for (const input of batching.controlInput) {
    const control = input.control.find((candidate) => candidate.kind === kind);
    if (control !== undefined) return { name: input.name, control };
  }
  return undefined;
}

function controlType(control: ModelSequenceBatching_Control): DataType {
  if (control.kind === Kind.CONTROL_SEQUENCE_CORRID) return control.dataType;
  if (control.int32FalseTrue.length > 0) return DataType.TYPE_INT32;
  return control.fp32FalseTrue.length > 0 ? DataType.TYPE_FP32 : DataType.TYPE_BOOL;
}

function checkControl(config: ModelConfig, model: ModelInterface, name: string, dataType: DataType): void {
  const info = model.inputs.find((input) => input.name === name);
  if (info === undefined) {
    throw new StatusError(
      'INTERNAL',
      `configuration specified sequence control '${name}', but model does not provide that input`,
    );
  }
  const dims = config.maxBatchSize > 0 ? info.dims.slice(1) : info.dims;
  if (dims.length !== 1 || dims[0] !== 1) {
    throw cannotLoad(
      config,
      `sequence control '${name}' in model has dims ${printDims(dims)} but dims [1] is expected`,
    );
  }
  if (toProtocolDataType(dataType) !== info.dataType) throw wrongType(config, name, info, dataType);
}

function wrongType(config: ModelConfig, name: string, info: ValueInfo, dataType: DataType): StatusError {
  return cannotLoad(
    config,
    `sequence control '${name}', the model expects data-type ${info.onnxElementType} but the model configuration specifies data-type ` +
      configDataTypeName(dataType),
  );
}
