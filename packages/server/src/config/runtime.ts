import { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';

/**
 * Checks `runtime`, the file name of a backend's library in Triton. Backends here are part of the server: only the name that Triton's own
 * library of this backend has is one that can be found.
 * @throws StatusError INVALID_ARG
 */
export function checkRuntime(config: ModelConfig): void {
  const { backend, name, runtime } = config;
  if (runtime === '' || runtime === `libtriton_${backend}.so`) return;
  if (runtime.split('/').includes('..') || runtime.startsWith('/')) {
    const place = `escapes backend directory '${backend}', for model '${name}', check model config runtime field`;
    throw new StatusError('INVALID_ARG', `backend library name '${runtime}' ${place}`);
  }
  const library = runtime === 'model.py' ? 'Python backend based backend library' : 'backend library';
  throw new StatusError(
    'INVALID_ARG',
    `unable to find ${library} '${runtime}' for model '${name}', searched: '${backend}' `,
  );
}
