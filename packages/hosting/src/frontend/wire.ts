import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { DirectAnswer, DirectCaller } from '@nereid/http';
import type { VerifiedBody } from './verified-body.ts';

/** A request that was let in: authenticated (or the host does not ask), addressed to one service, its body still to be read. */
export interface WireRequest {
  /** What `x-amzn-RequestId` says in the answer. */
  readonly id: string;
  readonly method: string;
  /** As sent: escapes included, no query. */
  readonly rawPath: string;
  readonly rawQuery: string;
  /** Lower-case names; repeated ones joined or dropped as `node:http` does. */
  readonly headers: IncomingHttpHeaders;
  readonly body: VerifiedBody;
  readonly message: IncomingMessage;
}

/** One AWS service behind the shared port. */
export interface WireService {
  /** Answers; what it throws becomes an error answer by `fail`. */
  handle(request: WireRequest, response: ServerResponse): Promise<void>;
  /** Writes an error in the form the service's clients read. Called only while no header has been sent. */
  fail(
    request: { readonly id: string; readonly rawPath: string; readonly method: string },
    response: ServerResponse,
    error: unknown,
  ): void;
}

/** A request that was let in and checked, its body in memory. */
export interface WholeRequest {
  readonly rawPath: string;
  /** Lower-case names. */
  readonly headers: IncomingHttpHeaders;
  readonly body: readonly Buffer[];
  readonly caller: DirectCaller;
}

/** The service that plain requests reach past `node:http`. */
export interface DirectService {
  /** Throws what `jsonFailure` understands. */
  answer(request: WholeRequest): Promise<DirectAnswer>;
}
