import type { LoadOptions } from '@nereid/engine';
import { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '../../config/index.ts';
import type { Logger } from '../../inference/index.ts';

/**
 * Session options from what a configuration may say to the TensorFlow backend. Threads: `TF_NUM_INTRA_THREADS` and `TF_NUM_INTER_THREADS` give
 * the model pools of its own; otherwise models share the server's. The other parameters are checked as TensorFlow's backend does
 * and have nothing to act on: sessions are shared by all instances anyway, and graph levels choose XLA, which is not here.
 * @throws StatusError with Triton's texts
 */
export function sessionOptions(config: ModelConfig, log: Logger): LoadOptions {
  refuseCustomOperations(config);
  const share = integerParameter(config, 'MAX_SESSION_SHARE_COUNT');
  if (share !== undefined && share <= 0) {
    throw invalid(`parameter 'MAX_SESSION_SHARE_COUNT' must be positive number for TensorFlow model '${config.name}'`);
  }
  const intraOp = integerParameter(config, 'TF_NUM_INTRA_THREADS') ?? 0;
  if (intraOp < 0) {
    throw invalid(`parameter 'TF_NUM_INTRA_THREADS' must be non-negative number for TensorFlow model '${config.name}'`);
  }
  const interOp = Math.max(0, integerParameter(config, 'TF_NUM_INTER_THREADS') ?? 0);
  checkBoolean(config, 'TF_USE_PER_SESSION_THREADS');
  checkAccelerators(config, log);
  if (config.parameters['TF_INIT_OPS_FILE'] !== undefined) {
    throw new StatusError(
      'UNSUPPORTED',
      `parameter 'TF_INIT_OPS_FILE' is not supported for TensorFlow model '${config.name}'`,
    );
  }
  return { graphOptimization: 'all', threads: intraOp === 0 && interOp === 0 ? 'global' : { intraOp, interOp } };
}

/** C++'s `stoi`: digits at the front count, what follows does not. */
function integerParameter(config: ModelConfig, name: string): number | undefined {
  const text = config.parameters[name]?.stringValue;
  if (text === undefined) return undefined;
  const value = Number(/^\s*([+-]?\d+)/.exec(text)?.[1] ?? Number.NaN);
  if (Number.isInteger(value) && Math.abs(value) <= 0x7fffffff) return value;
  throw invalid(`failed to convert '${text}' to integral number`);
}

function checkBoolean(config: ModelConfig, name: string): void {
  const text = config.parameters[name]?.stringValue;
  if (text === undefined || /^(true|on|1|false|off|0)$/i.test(text)) return;
  throw invalid(`failed to convert '${text}' to boolean`);
}

function checkAccelerators(config: ModelConfig, log: Logger): void {
  const accelerators = config.optimization?.executionAccelerators;
  if ((accelerators?.cpuExecutionAccelerator.length ?? 0) > 0) {
    throw invalid('CPU Execution Accelerator is not supported in TensorFlow backend');
  }
  if (accelerators !== undefined)
    log.warning('GPU Execution Accelerator will be ignored for model instance on CPU', 'tensorflow.cc');
}

/** Libraries of custom operations are native code from a repository. They are not loaded. */
function refuseCustomOperations(config: ModelConfig): void {
  const library = config.modelOperations?.opLibraryFilename[0];
  if (library === undefined) return;
  throw new StatusError('UNSUPPORTED', `${library}: libraries of custom operations are not supported`);
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
