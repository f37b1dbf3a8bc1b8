import { StatusError } from '@nereid/protocol';
import type { FlagValues } from './flags/index.ts';

/** The largest buffer that a machine could have. */
const MAX_CACHE_BYTES = 2 ** 47;

/** Size of the response cache; undefined for none. Throws StatusError, as Triton does when it makes the cache. */
export function responseCacheBytes(values: FlagValues): number | undefined {
  if (values['response-cache-byte-size'] > 0) return values['response-cache-byte-size'];
  const [first, ...more] = values['cache-config'];
  if (first === undefined) return undefined;
  if (more.length > 0) {
    throw new StatusError(
      'INVALID_ARG',
      'found multiple cache configurations, but only a single cache is currently supported',
    );
  }
  const [name, settings] = first;
  if (name !== 'local') {
    throw new StatusError(
      'INVALID_ARG',
      `unable to find 'libtritoncache_${name}.so' for cache. Searched: ${values['cache-directory']}`,
    );
  }
  const size = settings.get('size');
  if (size === undefined) throw failed('INVALID_ARG', "config didn't contain a valid 'size' field.");
  return cacheSize(size);
}

/** As C++'s `stoull`, by whose name it complains: digits at the front count. */
function cacheSize(text: string): number {
  const digits = /^\s*[+-]?\d+/.exec(text)?.[0];
  if (digits === undefined) throw failed('INTERNAL', 'stoull');
  const bytes = Number(digits);
  if (bytes < 0 || bytes > MAX_CACHE_BYTES) throw failed('INTERNAL', 'failed to allocate buffer');
  if (bytes === 0) throw failed('INTERNAL', "'size' must be above 0");
  return bytes;
}

function failed(code: 'INTERNAL' | 'INVALID_ARG', reason: string): StatusError {
  return new StatusError(code, `Failed to initialize LocalCache: ${reason}`);
}
