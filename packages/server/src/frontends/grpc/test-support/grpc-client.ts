import type { TestContext } from 'node:test';
import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials as grpcCredentials,
  Metadata,
  type ServiceError,
  type StatusObject,
  status,
} from '@grpc/grpc-js';

const asIs = (bytes: Buffer): Buffer => bytes;

export interface CallSettings extends CallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
}

/** gRPC's reference client for Node, for the generated descriptors. */
export class GrpcClient {
  readonly #client: Client;

  constructor(context: TestContext, port: number, options: ChannelOptions = {}, credentials?: ChannelCredentials) {
    this.#client = new Client(`localhost:${port}`, credentials ?? grpcCredentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
      ...options,
    });
    context.after(() => this.#client.close());
  }

  /** The answer; rejects with ServiceError. */
  unary<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    message: MessageInitShape<Input>,
    settings: CallSettings = {},
  ): Promise<MessageShape<Output>> {
    return this.begin(method, message, settings).answer;
  }

  /** A unary call that can be cancelled. */
  begin<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    message: MessageInitShape<Input>,
    { metadata, ...options }: CallSettings = {},
  ): { readonly call: ClientUnaryCall; readonly answer: Promise<MessageShape<Output>> } {
    const { promise, resolve, reject } = Promise.withResolvers<MessageShape<Output>>();
    const call = this.#client.makeUnaryRequest(
      pathOf(method),
      asIs,
      asIs,
      Buffer.from(toBinary(method.input, create(method.input, message))),
      toMetadata(metadata),
      options,
      (error: ServiceError | null, answer?: Buffer) => {
        if (error === null) resolve(fromBinary(method.output, answer!));
        else reject(error);
      },
    );
    return { call, answer: promise };
  }

  /** `CODE details` of a call that fails; 'OK' when it does not. */
  async failure<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    message: MessageInitShape<Input>,
    settings: CallSettings = {},
  ): Promise<string> {
    try {
      await this.unary(method, message, settings);
      return 'OK';
    } catch (error) {
      const { code, details } = error as ServiceError;
      return `${status[code]} ${details}`.trimEnd();
    }
  }

  stream<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodBiDiStreaming<Input, Output>,
    { metadata, ...options }: CallSettings = {},
  ): TestStream<Input, Output> {
    const call = this.#client.makeBidiStreamRequest<Buffer, Buffer>(
      pathOf(method),
      asIs,
      asIs,
      toMetadata(metadata),
      options,
    );
    return new TestStream(method, call);
  }

  serverStream<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodServerStreaming<Input, Output>,
    message: MessageInitShape<Input>,
  ): Received<Output> {
    const bytes = Buffer.from(toBinary(method.input, create(method.input, message)));
    const call = this.#client.makeServerStreamRequest<Buffer, Buffer>(pathOf(method), asIs, asIs, bytes);
    return new Received(method.output, call);
  }
}

/** What comes in on a stream, one after the other. */
export class Received<Output extends DescMessage> {
  readonly messages: MessageShape<Output>[] = [];
  readonly #waiting: (() => void)[] = [];
  /** `CODE details`, when the stream has ended. */
  readonly status: Promise<string>;

  constructor(schema: Output, call: ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>) {
    call.on('data', (bytes: Buffer) => {
      this.messages.push(fromBinary(schema, bytes));
      for (const wake of this.#waiting.splice(0)) wake();
    });
    // The status says the same.
    call.on('error', () => {});
    const { promise, resolve } = Promise.withResolvers<string>();
    call.on('status', ({ code, details }: StatusObject) => resolve(`${status[code]} ${details}`.trimEnd()));
    this.status = promise;
  }

  /** Settles when `count` messages are there. */
  async count(count: number): Promise<void> {
    while (this.messages.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** A stream both ways. */
export class TestStream<Input extends DescMessage, Output extends DescMessage> {
  readonly received: Received<Output>;
  readonly call: ClientDuplexStream<Buffer, Buffer>;
  readonly #input: Input;

  constructor(method: DescMethodBiDiStreaming<Input, Output>, call: ClientDuplexStream<Buffer, Buffer>) {
    this.call = call;
    this.#input = method.input;
    this.received = new Received(method.output, call);
  }

  send(...messages: readonly MessageInitShape<Input>[]): void {
    for (const message of messages) this.call.write(Buffer.from(toBinary(this.#input, create(this.#input, message))));
  }

  /** Says that nothing more comes and waits for the status. */
  end(): Promise<string> {
    this.call.end();
    return this.received.status;
  }
}

function pathOf(method: { readonly parent: { readonly typeName: string }; readonly name: string }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function toMetadata(entries: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
}
