import type { StatusError } from '@nereid/protocol';
import type { Coding } from './content-coding.ts';
import type { WireRequest, WireResponse } from './direct-exchange.ts';

/** What the HTTP and the SageMaker endpoint do differently about inference. */
export interface InferProtocol {
  /**
   * Length of the JSON in a body of `bodyBytes`; 0 for a raw request. Throws StatusError for a header that says something else.
   */
  jsonLength(req: WireRequest, bodyBytes: number): number;
  /** Coding of the request's body. Throws or answers `undefined` for one that is not supported. */
  requestCoding(req: WireRequest): Coding | undefined;
  responseCoding(req: WireRequest): Coding;
  /** Headers of an answer with binary outputs behind `jsonBytes` of JSON; undefined for JSON alone. */
  responseHeaders(jsonBytes: number | undefined): readonly string[];
  sendError(res: WireResponse, error: StatusError): void;
  unsupportedCoding(res: WireResponse): void;
}
