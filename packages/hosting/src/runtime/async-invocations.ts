import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseLocation } from '../artifacts/index.ts';
import type { Clock } from '../clock.ts';
import { messageOf, validationError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ObjectAccess } from '../object-store/index.ts';
import type { AsyncRoute, RoutingTable } from '../routing/index.ts';
import type { Database } from '../store/index.ts';
import type { Invocation } from './invocation.ts';
import type { Invoker } from './invoker.ts';
import { bufferBody, type OutgoingBody, streamBody } from './request-body.ts';
import { callerOf } from './upstream-request.ts';

export interface AsyncInvocationsOptions {
  readonly database: Database;
  readonly invoker: Invoker;
  readonly routing: RoutingTable;
  readonly objects: ObjectAccess;
  readonly clock: Clock;
  readonly log: Log;
}

/** An accepted request as it waits on the disk. */
interface QueuedRequest {
  readonly invocation: Invocation;
  /** Base64; absent when the input is an object. */
  readonly body?: string;
  readonly outputLocation?: string;
  readonly failureLocation?: string;
}

interface Row {
  id: string;
  endpoint: string;
  received_ms: number;
  request: string;
}

const DEFAULT_TTL_S = 21_600;
const DEFAULT_TIMEOUT_S = 900;
const MAX_INPUT_BYTES = 1024 ** 3;
/** The queue of an endpoint whose instances are not up is looked at again after this. */
const IDLE_CHECK_MS = 1000;

function under(path: string | undefined, name: string): string | undefined {
  return path === undefined ? undefined : `${path.replace(/\/$/, '')}/${name}`;
}

/**
 * InvokeEndpointAsync: accepted requests wait in SQLite, are run as instances have room, and their results are written to S3. A request that was under
 * way when the host was killed runs again with the next host.
 */
export class AsyncInvocations {
  readonly #options: AsyncInvocationsOptions;
  readonly #running = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #cancelTimer: (() => void) | undefined;

  constructor(options: AsyncInvocationsOptions) {
    this.#options = options;
  }

  /** Answers 202 once the request is on the disk. Throws ValidationError. */
  accept(invocation: Invocation, body: Buffer, response: ServerResponse): void {
    const { invoker, database, clock } = this.#options;
    const { EndpointName, InputLocation } = invocation;
    const route = invoker.route(EndpointName).async;
    if (!route)
      throw validationError(
        `Endpoint ${EndpointName} is not an asynchronous endpoint: its configuration has no AsyncInferenceConfig.`,
      );
    if ((InputLocation === undefined) === (body.length === 0)) {
      throw validationError('Exactly one of InputLocation and Body must be specified.');
    }
    if (InputLocation !== undefined) assertObjectLocation(InputLocation);
    const inferenceId = invocation.InferenceId ?? randomUUID();
    const request = queued(invocation, body, route);
    database.run(
      'INSERT INTO async_invocations VALUES (?, ?, ?, ?)',
      randomUUID(),
      EndpointName,
      clock.now(),
      JSON.stringify(request),
    );
    const text = JSON.stringify({ InferenceId: inferenceId });
    response.writeHead(202, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...(request.outputLocation !== undefined && { 'x-amzn-sagemaker-outputlocation': request.outputLocation }),
      ...(request.failureLocation !== undefined && { 'x-amzn-sagemaker-failurelocation': request.failureLocation }),
    });
    response.end(text);
    this.run();
  }

  /** Starts as many waiting requests as there is room for. Called on every change, and at the host's start. */
  run(): void {
    if (this.#stop.signal.aborted) return;
    const { database, routing } = this.#options;
    const room = new Map<string, number>();
    const rows = database.all<Row>('SELECT * FROM async_invocations ORDER BY received_ms, id LIMIT 1000');
    for (const row of rows) {
      if (this.#running.has(row.id)) continue;
      const route = routing.find(row.endpoint, () => 0);
      const known = database.get('SELECT 1 FROM endpoints WHERE name = ?', row.endpoint) !== undefined;
      if (!known) {
        this.#forget(row.id);
        continue;
      }
      const left = room.get(row.endpoint) ?? this.#capacity(row.endpoint, rows);
      if (!route?.async || left <= 0) continue;
      room.set(row.endpoint, left - 1);
      this.#start(row);
    }
    const waiting = rows.some((row) => !this.#running.has(row.id));
    if (waiting) this.#later();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancelTimer?.();
    await Promise.all(this.#running.values());
  }

  #capacity(endpoint: string, rows: readonly Row[]): number {
    const route = this.#options.routing.find(endpoint, () => 0);
    const instances = route?.variants.reduce((sum, variant) => sum + variant.instances.size, 0) ?? 0;
    const used = rows.filter((row) => row.endpoint === endpoint && this.#running.has(row.id)).length;
    return instances * (route?.async?.maxConcurrentPerInstance ?? 0) - used;
  }

  #later(): void {
    if (this.#cancelTimer) return;
    this.#cancelTimer = this.#options.clock.setTimer(IDLE_CHECK_MS, () => {
      this.#cancelTimer = undefined;
      this.run();
    });
  }

  #start(row: Row): void {
    const work = this.#process(row)
      .catch((error: unknown) => {
        this.#options.log.error('an asynchronous invocation broke off', { endpoint: row.endpoint, error });
      })
      .then(() => {
        this.#running.delete(row.id);
        if (!this.#stop.signal.aborted) this.run();
      });
    this.#running.set(row.id, work);
  }

  async #process(row: Row): Promise<void> {
    const { clock, log } = this.#options;
    const request = JSON.parse(row.request) as QueuedRequest;
    try {
      const ttlMs = (request.invocation.RequestTTLSeconds ?? DEFAULT_TTL_S) * 1000;
      if (clock.now() > row.received_ms + ttlMs) throw new Error('The request expired before it could be processed.');
      await this.#invoke(request);
    } catch (error) {
      // A host that stops leaves the request in the queue.
      if (this.#stop.signal.aborted) return;
      log.warn('an asynchronous invocation failed', { endpoint: row.endpoint, why: messageOf(error) });
      await this.#write(request.failureLocation, Readable.from([Buffer.from(messageOf(error))]), 'text/plain');
    }
    this.#forget(row.id);
  }

  async #invoke(request: QueuedRequest): Promise<void> {
    const { invoker } = this.#options;
    const { invocation } = request;
    const body = await this.#input(request);
    const answer = await invoker.invoke(invoker.choose(invocation), invocation, body, {
      timeoutMs: (invocation.InvocationTimeoutSeconds ?? DEFAULT_TIMEOUT_S) * 1000,
      caller: callerOf(this.#stop.signal),
    });
    const contentType = answer.message.header('content-type') ?? 'application/octet-stream';
    await this.#write(request.outputLocation, answer.message.body(), contentType);
  }

  async #input({ invocation, body }: QueuedRequest): Promise<OutgoingBody> {
    if (body !== undefined) return bufferBody(Buffer.from(body, 'base64'));
    const { bucket, key } = assertObjectLocation(invocation.InputLocation ?? '');
    const info = await this.#options.objects.head(bucket, key, this.#stop.signal);
    if (!info) throw new Error(`Failed to download the input: there is no object at ${invocation.InputLocation}.`);
    if (info.sizeBytes > MAX_INPUT_BYTES) throw new Error(`The input is larger than ${MAX_INPUT_BYTES} bytes.`);
    return streamBody(await this.#options.objects.open(bucket, key, this.#stop.signal), info.sizeBytes);
  }

  async #write(location: string | undefined, source: Readable, contentType: string): Promise<void> {
    if (location === undefined) {
      source.resume();
      return;
    }
    const { bucket, key } = assertObjectLocation(location);
    const body = new PassThrough();
    const [written] = await Promise.allSettled([
      this.#options.objects.put(bucket, key, body, contentType),
      pipeline(source, body),
    ]);
    if (written.status === 'rejected') throw written.reason;
  }

  #forget(id: string): void {
    this.#options.database.run('DELETE FROM async_invocations WHERE id = ?', id);
  }
}

function assertObjectLocation(url: string): { bucket: string; key: string } {
  try {
    const location = parseLocation(url);
    if (location.kind === 's3' && location.key !== '') return location;
  } catch {
    // Answered below.
  }
  throw validationError(`'${url.slice(0, 256)}' is not the location of an object in S3.`);
}

function queued(invocation: Invocation, body: Buffer, route: AsyncRoute): QueuedRequest {
  const name = invocation.Filename ?? `${randomUUID()}.out`;
  const extension = invocation.S3OutputPathExtension?.replace(/^\/|\/$/g, '');
  const outputPath = extension === undefined ? route.outputPath : under(route.outputPath, extension);
  const outputLocation = under(outputPath, name);
  const failureLocation = under(route.failurePath, name.replace(/(\.out)?$/, '-error.out'));
  return {
    invocation,
    ...(body.length > 0 && { body: body.toString('base64') }),
    ...(outputLocation !== undefined && { outputLocation }),
    ...(failureLocation !== undefined && { failureLocation }),
  };
}
