import type { ServerResponse } from 'node:http';
import { StatusError } from '@nereid/protocol';
import { sendJson } from '../wire/reply.ts';

/** Regions that clients registered: none, because the server does not let them. */
export function sharedMemoryStatus(res: ServerResponse, memory: 'system' | 'cuda', region: string): void {
  if (region !== '') {
    throw new StatusError('NOT_FOUND', `Unable to find ${memory} shared memory region: '${region}'`);
  }
  sendJson(res, 200, '[]');
}

/** The answer to registering and unregistering while `--allow-client-shm` is off, which it is unless the server says otherwise. */
export function sharedMemoryDisabled(): StatusError {
  return new StatusError(
    'UNSUPPORTED',
    "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.",
  );
}
