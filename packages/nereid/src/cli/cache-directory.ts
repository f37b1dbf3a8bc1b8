import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where downloads and translated models are kept: NEREID_CACHE_DIR, or `nereid` in the user's cache directory. */
export function cacheDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const own = environment['NEREID_CACHE_DIR'];
  if (own !== undefined && own !== '') return own;
  return join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'nereid');
}
