import { StatusError } from '@nereid/protocol';

/** Keys of regions that Triton's own processes make. */
const RESERVED_PREFIX = 'triton_python_backend_shm_region_';
/** Longest name of a file: what shm_open takes. */
const MAX_KEY_BYTES = 255;

/** Throws StatusError INVALID_ARG, with Triton's texts, for a key without a name and for a reserved one, however many slashes it begins with. */
export function checkKey(region: string, key: string): void {
  const bare = key.replace(/^\/+/, '');
  if (bare === '') {
    throw new StatusError('INVALID_ARG', `cannot register shared memory region '${region}' - invalid shm key '${key}'`);
  }
  if (bare.startsWith(RESERVED_PREFIX)) {
    throw new StatusError(
      'INVALID_ARG',
      `cannot register shared memory region '${region}' with key '${key}' as the key contains the reserved prefix '${RESERVED_PREFIX}'`,
    );
  }
}

/** Whether a key can be the name of a shared memory object. shm_open refuses most that cannot; it should not have to. */
export function isObjectName(key: string): boolean {
  const bare = key.replace(/^\/+/, '');
  const isPath = bare.includes('/') || bare === '.' || bare === '..';
  return !isPath && !bare.includes('\0') && Buffer.byteLength(bare) <= MAX_KEY_BYTES;
}

/** Whether a key begins with one of `prefixes`; without any, every key does. Leading slashes do not count. */
export function isAllowedKey(key: string, prefixes: readonly string[]): boolean {
  const bare = key.replace(/^\/+/, '');
  return prefixes.length === 0 || prefixes.some((prefix) => bare.startsWith(prefix.replace(/^\/+/, '')));
}
