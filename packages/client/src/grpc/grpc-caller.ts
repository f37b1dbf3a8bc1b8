import { createSecureContext } from 'node:tls';
import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import {
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  compressionAlgorithms,
  credentials,
  type CallOptions as GrpcCallOptions,
  Metadata,
} from '@grpc/grpc-js';
import type { CallOptions, ClientOptions, Compression, TlsOptions } from '../api/index.ts';
import { type CallScope, callHeaders, openCall, withRetries } from '../call/index.ts';
import { parseAddress } from './address.ts';
import { grpcFailure } from './errors.ts';
import { unreadable } from './infer-messages.ts';

const MAX_RESPONSE_BYTES = 2 ** 31 - 1;
const RECONNECT_INITIAL_MS = 100;
const RECONNECT_MAX_MS = 2000;

export interface GrpcClientOptions extends ClientOptions {
  /** TLS; `true` for the system's authorities. A `grpcs:` or `https:` URL switches it on as well. */
  readonly tls?: boolean | TlsOptions;
  /** Pings an idle connection, so that what lies between keeps it open. Default: none. */
  readonly keepAlive?: { readonly timeMs: number; readonly timeoutMs?: number };
}

/** One unary call as bytes. */
export interface UnaryCall {
  readonly method: DescMethod;
  readonly bytes: Uint8Array;
  readonly idempotent: boolean;
  readonly compression?: Compression | undefined;
}

/** Sends calls to one server: channels, metadata, deadlines, retries. */
export class GrpcCaller {
  readonly #options: GrpcClientOptions;
  readonly #target: string;
  readonly #secure: boolean;
  /** One for each way of packing, because a channel has one; made when it is needed. */
  readonly #channels = new Map<Compression | 'identity', Client>();

  constructor(options: GrpcClientOptions) {
    const { target, secure } = parseAddress(options.url);
    this.#options = options;
    this.#target = target;
    this.#secure = secure || (options.tls !== undefined && options.tls !== false);
    this.#channel('identity');
  }

  open(options: CallOptions): CallScope {
    return openCall(options, this.#options.deadlineMs);
  }

  /** Sends a call and decodes its answer. */
  async message<Output extends DescMessage>(
    method: DescMethod & { readonly output: Output },
    input: MessageShape<DescMessage>,
    idempotent: boolean,
    options: CallOptions,
  ): Promise<MessageShape<Output>> {
    const answer = await this.unary({ method, bytes: toBinary(method.input, input), idempotent }, options);
    try {
      return fromBinary(method.output, answer);
    } catch (error) {
      throw unreadable(error);
    }
  }

  /** Sends a call and resolves to the bytes of its answer. */
  async unary({ method, bytes, idempotent, compression }: UnaryCall, options: CallOptions): Promise<Uint8Array> {
    const scope = this.open(options);
    try {
      return await withRetries(this.#options.retry ?? {}, idempotent, scope, async () => {
        const metadata = await this.#metadata(options);
        return await this.#send(this.#channel(compression ?? 'identity'), method, bytes, metadata, scope);
      });
    } catch (error) {
      throw scope.failure(error);
    } finally {
      scope.end();
    }
  }

  /** Opens a stream both ways; messages are bytes. The caller ends the scope. */
  async stream(
    method: DescMethod,
    options: CallOptions,
    scope: CallScope,
  ): Promise<ClientDuplexStream<Uint8Array, Uint8Array>> {
    const metadata = await this.#metadata(options);
    return this.#channel('identity').makeBidiStreamRequest(
      pathOf(method),
      asBuffer,
      identity,
      metadata,
      deadlineOf(scope),
    );
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
  }

  #send(
    channel: Client,
    method: DescMethod,
    bytes: Uint8Array,
    metadata: Metadata,
    scope: CallScope,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      scope.signal.throwIfAborted();
      const done = (error: unknown, answer?: Uint8Array): void => {
        scope.signal.removeEventListener('abort', cancel);
        if (error === null && answer !== undefined) resolve(answer);
        else reject(grpcFailure(error));
      };
      const options = deadlineOf(scope);
      const call = channel.makeUnaryRequest(pathOf(method), asBuffer, identity, bytes, metadata, options, done);
      const cancel = (): void => call.cancel();
      scope.signal.addEventListener('abort', cancel, { once: true });
    });
  }

  async #metadata(options: CallOptions): Promise<Metadata> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(await callHeaders(this.#options, options))) metadata.set(name, value);
    return metadata;
  }

  #channel(compression: Compression | 'identity'): Client {
    const existing = this.#channels.get(compression);
    if (existing !== undefined) return existing;
    const channel = new Client(this.#target, this.#credentials(), {
      ...this.#channelOptions(),
      'grpc.default_compression_algorithm': compressionAlgorithms[compression],
    });
    this.#channels.set(compression, channel);
    return channel;
  }

  #credentials() {
    if (!this.#secure) return credentials.createInsecure();
    const { ca, cert, key, passphrase, rejectUnauthorized = true } = tlsOf(this.#options);
    const given = (value: string | Uint8Array) => (typeof value === 'string' ? value : Buffer.from(value));
    const context = createSecureContext({
      ...(ca === undefined ? {} : { ca: given(ca) }),
      ...(cert === undefined ? {} : { cert: given(cert) }),
      ...(key === undefined ? {} : { key: given(key) }),
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    return credentials.createFromSecureContext(context, { rejectUnauthorized });
  }

  #channelOptions(): ChannelOptions {
    const { maxResponseBytes, keepAlive } = this.#options;
    const { servername } = tlsOf(this.#options);
    return {
      'grpc.max_receive_message_length': maxResponseBytes ?? MAX_RESPONSE_BYTES,
      'grpc.max_send_message_length': -1,
      // Retries are this package's, so that they follow one policy.
      'grpc.enable_retries': 0,
      'grpc.initial_reconnect_backoff_ms': RECONNECT_INITIAL_MS,
      'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS,
      // close() then ends connections that nobody else uses.
      'grpc.use_local_subchannel_pool': 1,
      ...(servername === undefined
        ? {}
        : { 'grpc.ssl_target_name_override': servername, 'grpc.default_authority': servername }),
      ...(keepAlive === undefined
        ? {}
        : {
            'grpc.keepalive_time_ms': keepAlive.timeMs,
            'grpc.keepalive_permit_without_calls': 1,
            ...(keepAlive.timeoutMs === undefined ? {} : { 'grpc.keepalive_timeout_ms': keepAlive.timeoutMs }),
          }),
    };
  }
}

function tlsOf({ tls }: GrpcClientOptions): TlsOptions {
  return typeof tls === 'object' ? tls : {};
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function identity(bytes: Buffer): Uint8Array {
  return bytes;
}

function deadlineOf({ deadlineAtMs }: CallScope): GrpcCallOptions {
  return deadlineAtMs === undefined ? {} : { deadline: deadlineAtMs };
}
