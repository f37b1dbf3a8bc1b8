/** Why a request is not let in. Each protocol has its own code and message for these. */
export type AuthFailure =
  | 'missing-token'
  | 'incomplete-signature'
  | 'unknown-key'
  | 'signature-mismatch'
  | 'payload-mismatch'
  | 'clock-skew'
  | 'expired'
  | 'headers-not-signed';

/** A request that is not (or not validly) signed. */
export class AuthError extends Error {
  readonly failure: AuthFailure;

  constructor(failure: AuthFailure, message: string) {
    super(message);
    this.name = 'AuthError';
    this.failure = failure;
  }
}
