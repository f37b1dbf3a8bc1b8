import type { StatusError } from '@nereid/protocol';
import type { WireResponse } from '../wire/direct-exchange.ts';
import { sendErrorText } from '../wire/reply.ts';

/** What frameworks say when memory or disk is full; SageMaker unloads other models on the status these become. */
const OUT_OF_MEMORY_TEXTS: readonly string[] = [
  'CUDA out of memory',
  'CUDA_OUT_OF_MEMORY',
  'Out of memory',
  'Out Of Memory',
  'out of memory',
  'MemoryError',
  'OutOfMemory',
  'OOM',
  'Dst tensor is not initialized',
  'Src tensor is not initialized',
  'CNMEM_STATUS_OUT_OF_MEMORY',
  'CUDNN_STATUS_NOT_INITIALIZED',
  'CUBLAS_STATUS_ALLOC_FAILED',
  'CUBLAS_STATUS_NOT_INITIALIZED',
  'Failed to allocate memory',
  'failed to allocate memory',
  'No space left on device',
];

/** 507 when memory is full, 400 for every other failure of the multi-model routes, whatever its code. */
export function sendModelError(res: WireResponse, error: StatusError): void {
  const full = OUT_OF_MEMORY_TEXTS.some((text) => error.message.includes(text));
  sendErrorText(res, full ? 507 : 400, error.message);
}

/** 409 for what is registered already, else as `sendModelError`. */
export function sendLoadError(res: WireResponse, error: StatusError): void {
  if (error.code === 'ALREADY_EXISTS') sendErrorText(res, 409, error.message);
  else sendModelError(res, error);
}
