/**
 * Why an image operation failed: `unsupported` (a format or form that is refused by name), `corrupt`, `truncated`, `limit` (a bound on
 * pixels or bytes) or `argument` (a parameter out of range).
 */
export type ImageErrorCode = 'unsupported' | 'corrupt' | 'truncated' | 'limit' | 'argument';

/** A failure of decoding or of a kernel that the picture or the arguments are to blame for. */
export class ImageError extends Error {
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImageError';
    this.code = code;
  }
}
