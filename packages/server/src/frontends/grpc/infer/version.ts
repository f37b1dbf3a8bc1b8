import { StatusError } from '@nereid/protocol';

const MAX_INT64 = 2n ** 63n - 1n;

/**
 * A version as gRPC requests give it: -1 for '', otherwise what C++'s `std::stol` reads. Throws StatusError INVALID_ARG with Triton's texts.
 */
export function parseVersion(text: string): number {
  if (text === '') return -1;
  const digits = /^[ \t\n\v\f\r]*([+-]?)(\d+)/.exec(text);
  const magnitude = digits === null ? undefined : BigInt(digits[2]!.slice(0, 40));
  const negative = digits?.[1] === '-';
  if (magnitude === undefined || magnitude > (negative ? MAX_INT64 + 1n : MAX_INT64)) {
    throw new StatusError(
      'INVALID_ARG',
      `failed to get model version from specified version string '${text}' (details: stol), version should be an integral value > 0`,
    );
  }
  if (negative && magnitude > 0n) {
    throw new StatusError(
      'INVALID_ARG',
      `invalid model version specified '${text}' , version should be an integral value > 0`,
    );
  }
  return Number(magnitude);
}
