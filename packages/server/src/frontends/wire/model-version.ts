import { StatusError } from '@nereid/protocol';

const MAX_VERSION = 9223372036854775807n;

/** A version in a path: -1 for none. Throws StatusError INVALID_ARG, with Triton's text, for one beyond 64 bits. */
export function parseModelVersion(text: string): number {
  if (text === '') return -1;
  if (text.length > 15 && BigInt(text) > MAX_VERSION) {
    throw new StatusError(
      'INVALID_ARG',
      `failed to get model version from specified version string '${text}' (details: stol), version should be an integral value > 0`,
    );
  }
  return Number(text);
}
