import type { RunInput, Session, ValueInfo } from '@nereid/engine';
import { StatusError, type Tensor } from '@nereid/protocol';
import type { ModelConfig } from '../../config/index.ts';
import { findTensor } from './check-tensors.ts';

/** Names in the ONNX model by the name a configuration uses, where the two differ. */
export interface TensorNames {
  readonly inputs?: ReadonlyMap<string, string>;
  readonly outputs?: ReadonlyMap<string, string>;
}

/** An output of the model under the name and, if the model gives a scalar, the shape that the configuration has for it. */
interface MappedOutput {
  readonly name: string;
  readonly output: number;
  readonly scalarShape: readonly number[];
}

/** How tensors of a configuration and tensors of a session find each other. Made once per loaded model. */
export class TensorMap {
  /** Indexed like `ModelSignature.outputs`. */
  readonly outputs: readonly MappedOutput[];
  /** Outputs that a sequence batcher keeps as state. */
  readonly stateOutputs: readonly MappedOutput[];
  readonly #session: Session;
  readonly #inputs: ReadonlyMap<string, number>;
  readonly #cStrings: boolean;

  /**
   * `cStrings`: whether strings handed to the session end at their first NUL.
   * @throws StatusError INVALID_ARG for a name the model does not have
   */
  constructor(config: ModelConfig, session: Session, names: TensorNames, cStrings: boolean) {
    this.#session = session;
    this.#cStrings = cStrings;
    this.#inputs = mapInputs(config, session, names.inputs);
    const mapOutput = (name: string, dims: readonly bigint[]): MappedOutput => ({
      name,
      output: indexOf('output', names.outputs?.get(name) ?? name, session.outputs),
      scalarShape: dims.map(Number),
    });
    this.outputs = config.output.map((output) => mapOutput(output.name, output.reshape?.shape ?? output.dims));
    const states = config.schedulingChoice.case === 'sequenceBatching' ? config.schedulingChoice.value.state : [];
    this.stateOutputs = states.map((state) => mapOutput(state.outputName, state.dims));
  }

  /** @throws StatusError INTERNAL for a tensor that is none of the model's */
  runInputs(tensors: readonly Tensor[]): RunInput[] {
    return tensors.map((tensor) => {
      const input = this.#inputs.get(tensor.name);
      if (input === undefined) {
        throw new StatusError('INTERNAL', `Failed to retrieve the ONNX input tensor info from '${tensor.name}'.`);
      }
      const isScalar = this.#session.inputs[input]?.dims.length === 0;
      const shape = isScalar ? [] : tensor.shape;
      return { input, dataType: tensor.dataType, shape, data: tensor.data, cStrings: this.#cStrings };
    });
  }
}

/** Inputs, and whatever else the scheduler or the batch feeds. */
function mapInputs(
  config: ModelConfig,
  session: Session,
  names: ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, number> {
  const fed = [...config.input.map(({ name }) => name), ...config.batchInput.flatMap(({ targetName }) => targetName)];
  if (config.schedulingChoice.case === 'sequenceBatching') {
    const { controlInput, state } = config.schedulingChoice.value;
    fed.push(...controlInput.map(({ name }) => name), ...state.map(({ inputName }) => inputName));
  }
  return new Map(fed.map((name) => [name, indexOf('input', names?.get(name) ?? name, session.inputs)]));
}

function indexOf(kind: 'input' | 'output', name: string, infos: readonly ValueInfo[]): number {
  return infos.indexOf(findTensor(kind, name, infos));
}
