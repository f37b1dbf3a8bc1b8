import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type DirectAnswer, type DirectCaller, type DirectHead, DirectLane } from '@nereid/http';
import { ServiceError } from '../errors.ts';
import type { Log } from '../log.ts';
import { isLoopback } from '../loopback.ts';
import { DatedHeads } from './answer-heads.ts';
import { type Addressed, chooseService, claimedService, type ServiceName } from './dispatch.ts';
import { INVOCATIONS } from './invocations.ts';
import { jsonErrorAnswer, jsonFailure } from './json-errors.ts';
import {
  AuthError,
  type PayloadRule,
  type SignableRequest,
  type SignatureVerifier,
  unverifiedPayloadRule,
} from './sigv4/index.ts';
import { checkWholeBody, VerifiedBody } from './verified-body.ts';
import type { DirectService, WireService } from './wire.ts';

export interface FrontendOptions {
  readonly services: Readonly<Record<ServiceName, WireService>>;
  /** Who answers plain invocations, which go past `node:http`. */
  readonly direct: DirectService;
  /** Absent: nobody has to sign (`--no-auth`). */
  readonly verifier: SignatureVerifier | undefined;
  /** Host names that mean this machine (and `<anything>.<name>`), for hosts that ask nobody to sign. */
  readonly localNames: readonly string[];
  readonly log: Log;
}

/** A client that sends an error-answered body larger than this is not read to its end: the connection closes instead. */
const MAX_DRAINED_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 32 * 1024;
/** The longest header is TargetModel or CustomAttributes with 1024 characters; an SDK sends about twenty. */
const MAX_HEADERS = 100;
const HEADERS_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 3_600_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const CLOSE_SWEEP_MS = 20;

/** The one port. Every request passes the same gate (signature), then goes to its service. */
export class Frontend {
  readonly server: Server;
  readonly #options: FrontendOptions;
  readonly #lane: DirectLane;
  #isClosing = false;

  constructor(options: FrontendOptions) {
    this.#options = options;
    this.server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      noDelay: true,
    });
    this.server.maxHeadersCount = MAX_HEADERS;
    this.#lane = new DirectLane(this.server, {
      serve: (head, body, caller, done) => void this.#serveDirect(head, body, caller).then(done),
      rules: INVOCATIONS,
      heads: new DatedHeads(Math.floor(KEEP_ALIVE_TIMEOUT_MS / 1000)),
      idleTimeoutMs: KEEP_ALIVE_TIMEOUT_MS,
    });
    this.server.on('request', (message, response) => {
      void this.#serve(message, response, () => undefined);
    });
    this.server.on('checkContinue', (message: IncomingMessage, response: ServerResponse) => {
      void this.#serve(message, response, () => response.writeContinue());
    });
  }

  /** Refuses new requests; resolves when the running ones are answered and all connections are closed. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#lane.close();
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    // A kept connection becomes idle when its last request is answered, and nothing else closes it then.
    const sweep = setInterval(() => this.server.closeIdleConnections(), CLOSE_SWEEP_MS);
    this.server.closeIdleConnections();
    await closed;
    clearInterval(sweep);
  }

  async #serveDirect(head: DirectHead, body: readonly Buffer[], caller: DirectCaller): Promise<DirectAnswer> {
    const id = randomUUID();
    const request = { method: 'POST', rawQuery: '', ...head };
    let answer: DirectAnswer;
    try {
      if (this.#isClosing) throw stopping();
      checkWholeBody(this.#authenticate(request), body);
      answer = await this.#options.direct.answer({ rawPath: head.rawPath, headers: head.headers, body, caller });
    } catch (error) {
      this.#report({ ...request, id }, error);
      answer = jsonErrorAnswer(jsonFailure(error), 'Message');
    }
    return { ...answer, headers: ['x-amzn-RequestId', id, ...answer.headers] };
  }

  async #serve(message: IncomingMessage, response: ServerResponse, askForBody: () => void): Promise<void> {
    const id = randomUUID();
    const url = message.url ?? '/';
    const at = url.indexOf('?');
    const addressed: Addressed = {
      method: message.method ?? 'GET',
      rawPath: at < 0 ? url : url.slice(0, at),
      rawQuery: at < 0 ? '' : url.slice(at + 1),
      headers: message.headers,
    };
    response.setHeader('x-amzn-RequestId', id);
    const claimed = claimedService(addressed);
    const name = chooseService(addressed, claimed);
    const service = this.#options.services[name ?? 'sagemaker'];
    const identified = { id, rawPath: addressed.rawPath, method: addressed.method };
    try {
      if (this.#isClosing) {
        response.setHeader('connection', 'close');
        throw stopping();
      }
      const payload = this.#authenticate({ ...addressed, rawHeaders: message.rawHeaders });
      if (!name)
        throw new ServiceError('UnknownOperationException', `This host does not serve '${claimed ?? 'this request'}'.`);
      const body = new VerifiedBody(message, payload, askForBody);
      await service.handle({ ...addressed, id, body, message }, response);
    } catch (error) {
      this.#fail(service, identified, message, response, error);
    }
  }

  /** Throws AuthError. */
  #authenticate(request: Addressed & SignableRequest): PayloadRule {
    const { verifier } = this.#options;
    if (verifier) return verifier.verify(request).payload;
    this.#assertLocal(request.headers);
    const announced = request.headers['x-amz-content-sha256'];
    return unverifiedPayloadRule(typeof announced === 'string' ? announced : undefined);
  }

  /** Without signatures, a page in the user's browser must not reach the host: browsers name their origin, and a rebound name is not this machine's. */
  #assertLocal(headers: IncomingHttpHeaders): void {
    const name = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    const isLocal =
      isLoopback(name.replace(/^\[|\]$/g, '')) || this.#options.localNames.some((own) => name.endsWith(`.${own}`));
    if (!isLocal || headers.origin !== undefined) {
      throw new AuthError('missing-token', 'A host without authentication serves local clients only, and no browsers.');
    }
  }

  #fail(
    service: WireService,
    request: { id: string; rawPath: string; method: string },
    message: IncomingMessage,
    response: ServerResponse,
    error: unknown,
  ): void {
    if (!message.destroyed) this.#report(request, error);
    if (response.headersSent || response.destroyed) {
      // The status is out: only a broken connection tells the client that the body is not whole.
      response.destroy();
      return;
    }
    const length = message.headers['content-length'];
    const drained = message.complete || (length !== undefined && Number(length) <= MAX_DRAINED_BYTES);
    if (!drained || message.headers.expect !== undefined) response.setHeader('connection', 'close');
    service.fail(request, response, error);
  }

  /** Failures that nobody expects go to the log. */
  #report(request: { id: string; rawPath: string; method: string }, error: unknown): void {
    const expected = error instanceof ServiceError || error instanceof AuthError;
    if (expected && !(error instanceof ServiceError && error.httpStatus >= 500 && error.cause !== undefined)) return;
    this.#options.log.error(`${request.method} ${request.rawPath}: request failed`, { requestId: request.id, error });
  }
}

function stopping(): ServiceError {
  return new ServiceError('ServiceUnavailable', 'The host is stopping.', { httpStatus: 503 });
}
