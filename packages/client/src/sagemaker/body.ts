import { encodeInferRequest, InferResponseDecoder, StatusError } from '@nereid/protocol';
import type { InferRequest, InferResult } from '../api/index.ts';
import { invalidResponse } from '../errors/index.ts';
import { prepareRequest, toInferResult } from '../request/index.ts';

/** Content type of Triton's binary bodies on SageMaker; the length of the JSON stands behind it. */
const BINARY_TYPE = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';
const JSON_TYPE = 'application/json';

/** What `InvokeEndpoint` takes as `Body`, `ContentType` and `Accept`. */
export interface SageMakerBody {
  readonly body: Uint8Array;
  readonly contentType: string;
  readonly accept: string;
}

/**
 * An inference request as the body of SageMaker's `InvokeEndpoint` for a Triton container: JSON, then the contents of the inputs, the length
 * of the JSON in the content type. With `binary: false` it is JSON alone. Throws InferenceServerError INVALID_ARG.
 */
export function encodeSageMakerBody(request: InferRequest): SageMakerBody {
  const { json, binaryParts, hasBinary } = encodeInferRequest(prepareRequest(request));
  const body = new Uint8Array(binaryParts.reduce((size, part) => size + part.byteLength, json.byteLength));
  body.set(json);
  let offset = json.byteLength;
  for (const part of binaryParts) {
    body.set(part, offset);
    offset += part.byteLength;
  }
  const contentType = hasBinary ? BINARY_TYPE + json.byteLength : JSON_TYPE;
  return { body, contentType, accept: request.binary === false ? JSON_TYPE : BINARY_TYPE + 0 };
}

/**
 * The body and content type of an `InvokeEndpoint` answer as a result. Outputs are views into `body` where they are aligned there.
 * Throws InferenceServerError INVALID_RESPONSE.
 */
export function parseSageMakerBody(body: Uint8Array, contentType: string): InferResult {
  const jsonLength = contentType.startsWith(BINARY_TYPE) ? headerSize(contentType) : body.byteLength;
  try {
    return toInferResult(new InferResponseDecoder().decode({ bytes: body, jsonLength }));
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw invalidResponse(`the response cannot be read: ${error.message}`, { cause: error });
  }
}

function headerSize(contentType: string): number {
  const text = contentType.slice(BINARY_TYPE.length);
  if (!/^\d{1,15}$/.test(text)) throw invalidResponse(`content type '${contentType}' has no length of the JSON`);
  return Number(text);
}
