import { StatusError } from '@nereid/protocol';
import type { WireRequest } from '../wire/direct-exchange.ts';
import { parseInt32 } from '../wire/integer.ts';

/** Content type of JSON with binary tensors behind it; the length of the JSON follows. */
export const BINARY_TYPE = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';
/** Names the model of a multi-model endpoint as its client knows it. */
const TARGET_MODEL = 'x-amzn-sagemaker-target-model';

/** Length of the JSON in a body of `bodyBytes`: all of it for any other content type. Throws StatusError INVALID_ARG with Triton's texts. */
export function jsonLength(req: WireRequest, bodyBytes: number): number {
  const contentType = req.headers['content-type'];
  const position = contentType?.indexOf(BINARY_TYPE) ?? -1;
  if (contentType === undefined || position < 0) return bodyBytes;
  if (position > 0) throw invalid(`expect MIME type for binary data starts with '${BINARY_TYPE}', got: ${contentType}`);
  const text = contentType.slice(BINARY_TYPE.length);
  const length = parseInt32(text);
  if (length === 'invalid') throw invalid(`Unable to parse inference header size, got: ${text}`);
  if (length === 'range') throw invalid(`Unable to parse inference header size, value is out of range, got: ${text}`);
  if (length < 0 || length > bodyBytes) {
    throw invalid(`inference header size should be in range (0, ${bodyBytes}), got: ${text}`);
  }
  return length;
}

export function targetModel(req: WireRequest): string | undefined {
  const value = req.headers[TARGET_MODEL];
  return typeof value === 'string' ? value : undefined;
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
