import type { IncomingMessage, ServerResponse } from 'node:http';
import { cString, jsonMember, jsonString, jsonUnsigned, StatusError } from '@nereid/protocol';
import type { SharedMemory } from '../../inference/index.ts';
import type { FrontendContext } from '../wire/context.ts';
import { readJsonBody } from '../wire/json-body.ts';
import { jsonOutput } from '../wire/json-output.ts';
import { JSON_TYPE, sendEmpty, sendJson } from '../wire/reply.ts';

export type SharedMemoryAction = 'status' | 'register' | 'unregister';

/** `/v2/systemsharedmemory…`. Throws StatusError with Triton's texts. */
export function systemSharedMemory(
  context: FrontendContext,
  req: IncomingMessage,
  res: ServerResponse,
  action: SharedMemoryAction,
  region: string,
): void {
  const memory = context.sharedMemory;
  if (action === 'status') {
    if (memory === undefined && region !== '') throw unknownRegion('system', region);
    const regions = memory?.regions(region) ?? [];
    const described = regions.map(({ name, key, offset, byteSize }) => ({ name, key, offset, byte_size: byteSize }));
    sendJson(res, 200, jsonOutput(described));
    return;
  }
  if (memory?.allowed !== true) throw sharedMemoryDisabled();
  if (action === 'register') {
    register(context, memory, req, res, region);
    return;
  }
  memory.unregister(region);
  sendEmpty(res, 200, JSON_TYPE);
}

function register(
  context: FrontendContext,
  memory: SharedMemory,
  req: IncomingMessage,
  res: ServerResponse,
  region: string,
): void {
  if (region === '') throw invalid("'region name' is necessary to register system shared memory region");
  readJsonBody(context, req, res, { emptyAllowed: false }, (document) => {
    const key = jsonMember(document, 'key');
    if (key === undefined) throw invalid("Shared memory register request has no 'key' field");
    const keyText = cString(jsonString(key));
    const offset = jsonMember(document, 'offset');
    const offsetBytes = offset === undefined ? 0 : jsonUnsigned(offset);
    const byteSize = jsonMember(document, 'byte_size');
    if (byteSize === undefined) throw invalid("Shared memory register request has no 'byte_size' field");
    memory.register(region, keyText, offsetBytes, jsonUnsigned(byteSize));
    sendEmpty(res, 200, JSON_TYPE);
  });
}

/** `/v2/cudasharedmemory…`, as a server without GPUs answers. Throws StatusError with Triton's texts. */
export function cudaSharedMemory(
  context: FrontendContext,
  res: ServerResponse,
  action: SharedMemoryAction,
  region: string,
): void {
  if (action === 'status') {
    if (region !== '') throw noCudaRegion(context.sharedMemory, region);
    sendJson(res, 200, '[]');
    return;
  }
  if (context.sharedMemory?.allowed !== true) throw sharedMemoryDisabled();
  if (action === 'register') {
    if (region === '') throw invalid("'region name' is necessary to register cuda shared memory region");
    throw invalid(`failed to register CUDA shared memory region: '${region}', GPUs not supported`);
  }
  sendEmpty(res, 200, JSON_TYPE);
}

/** Why there is no CUDA region of this name: one of system shared memory may have it. */
export function noCudaRegion(memory: SharedMemory | undefined, region: string): StatusError {
  if (memory?.regions('').some(({ name }) => name === region) !== true) return unknownRegion('cuda', region);
  return new StatusError(
    'NOT_FOUND',
    `The region named '${region}' is registered as system shared memory, not CUDA shared memory`,
  );
}

/** The answer to registering and unregistering while `--allow-client-shm` is off, which it is unless the server says otherwise. */
export function sharedMemoryDisabled(): StatusError {
  return new StatusError(
    'UNSUPPORTED',
    "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.",
  );
}

function unknownRegion(memory: 'system' | 'cuda', region: string): StatusError {
  return new StatusError('NOT_FOUND', `Unable to find ${memory} shared memory region: '${region}'`);
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
