import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ServiceError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Addressed, chooseService, claimedService, type ServiceName } from './dispatch.ts';
import { AuthError, type PayloadRule, type SignatureVerifier, unverifiedPayloadRule } from './sigv4/index.ts';
import { VerifiedBody } from './verified-body.ts';
import type { WireService } from './wire.ts';

export interface FrontendOptions {
  readonly services: Readonly<Record<ServiceName, WireService>>;
  /** Absent: nobody has to sign (`--no-auth`). */
  readonly verifier: SignatureVerifier | undefined;
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

/** The one port. Every request passes the same gate (signature), then goes to its service. */
export class Frontend {
  readonly server: Server;
  readonly #options: FrontendOptions;

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
    this.server.on('request', (message, response) => {
      void this.#serve(message, response, () => undefined);
    });
    this.server.on('checkContinue', (message: IncomingMessage, response: ServerResponse) => {
      void this.#serve(message, response, () => response.writeContinue());
    });
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
      const payload = this.#authenticate(message, addressed);
      if (!name) throw new ServiceError('UnknownOperationException', `This host does not serve '${claimed ?? 'this request'}'.`);
      const body = new VerifiedBody(message, payload, askForBody);
      await service.handle({ ...addressed, id, body, message }, response);
    } catch (error) {
      this.#fail(service, identified, message, response, error);
    }
  }

  #authenticate(message: IncomingMessage, { method, rawPath, rawQuery }: Addressed): PayloadRule {
    const { verifier } = this.#options;
    if (!verifier) {
      const announced = message.headers['x-amz-content-sha256'];
      return unverifiedPayloadRule(typeof announced === 'string' ? announced : undefined);
    }
    return verifier.verify({ method, rawPath, rawQuery, rawHeaders: message.rawHeaders }).payload;
  }

  #fail(
    service: WireService,
    request: { id: string; rawPath: string; method: string },
    message: IncomingMessage,
    response: ServerResponse,
    error: unknown,
  ): void {
    const expected = error instanceof ServiceError || error instanceof AuthError || message.destroyed;
    if (!expected || (error instanceof ServiceError && error.httpStatus >= 500 && error.cause !== undefined)) {
      this.#options.log.error(`${request.method} ${request.rawPath}: request failed`, { requestId: request.id, error });
    }
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
}
