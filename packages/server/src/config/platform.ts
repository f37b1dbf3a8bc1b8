/** Names by which a configuration says what runs a model, and the default file of each (triton-inference-server/core, constants.h). */
export const ENSEMBLE_PLATFORM = 'ensemble';
export const TENSORRT_PLATFORM = 'tensorrt_plan';

export const CONFIG_FILE = 'config.pbtxt';
export const CONFIGS_DIRECTORY = 'configs';
export const WARMUP_DIRECTORY = 'warmup';
export const INITIAL_STATE_DIRECTORY = 'initial_state';

/** Backends whose platform must be one of these; any platform goes with another backend. */
const PLATFORMS_BY_BACKEND: ReadonlyMap<string, readonly string[]> = new Map([
  ['tensorflow', ['tensorflow_graphdef', 'tensorflow_savedmodel']],
  ['tensorrt', [TENSORRT_PLATFORM]],
  ['onnxruntime', ['onnxruntime_onnx']],
  ['pytorch', ['pytorch_libtorch', 'torch_aoti']],
]);

/** Platforms that mean something, whoever runs them. */
export const KNOWN_PLATFORMS: readonly string[] = [ENSEMBLE_PLATFORM, ...[...PLATFORMS_BY_BACKEND.values()].flat()];

/** Whether a model of this backend may name this platform. */
export function platformFitsBackend(platform: string, backend: string): boolean {
  return PLATFORMS_BY_BACKEND.get(backend)?.includes(platform) ?? true;
}
