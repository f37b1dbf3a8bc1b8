import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { ApiCategory } from '../wire/restrictions.ts';
import { ProtoError } from './codec/proto-reader.ts';
import { frameMessage } from './transport/encoded-message.ts';
import type { CallHandler, ServerCall } from './transport/server-call.ts';
import { SingleMessage } from './transport/single-message.ts';

/** A method that the server offers. */
export interface GrpcMethod {
  /** `/<service>/<method>` */
  readonly path: string;
  /** Which restriction holds for it. */
  readonly category: ApiCategory;
  /** Its answers are compressed as `--grpc-infer-response-compression-level` says. */
  readonly compressed: boolean;
  start(call: ServerCall): CallHandler;
}

/** The path of a method. */
export function pathOfMethod(method: {
  readonly parent: { readonly typeName: string };
  readonly name: string;
}): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** A method with one request and one response, each through the generated code. What `answer` throws becomes the status. */
export function unaryMethod<Input extends DescMessage, Output extends DescMessage>(
  method: DescMethodUnary<Input, Output>,
  category: ApiCategory,
  answer: (request: MessageShape<Input>) => MessageInitShape<Output> | Promise<MessageInitShape<Output>>,
): GrpcMethod {
  return {
    path: pathOfMethod(method),
    category,
    compressed: false,
    start: (call) => new UnaryCall(call, method, answer),
  };
}

class UnaryCall<Input extends DescMessage, Output extends DescMessage> implements CallHandler {
  readonly #call: ServerCall;
  readonly #method: DescMethodUnary<Input, Output>;
  readonly #answer: (request: MessageShape<Input>) => MessageInitShape<Output> | Promise<MessageInitShape<Output>>;
  readonly #message = new SingleMessage();

  constructor(
    call: ServerCall,
    method: DescMethodUnary<Input, Output>,
    answer: (request: MessageShape<Input>) => MessageInitShape<Output> | Promise<MessageInitShape<Output>>,
  ) {
    this.#call = call;
    this.#method = method;
    this.#answer = answer;
  }

  message(message: Buffer): void {
    this.#message.set(message);
  }

  halfClosed(): void {
    const request = parseMessage(this.#method.input, this.#message.take());
    Promise.resolve()
      .then(() => this.#answer(request))
      .then((response) => this.#call.answer(frameMessage(serializeMessage(this.#method.output, response))))
      .catch((error: unknown) => this.#call.fail(error));
  }

  /** What was begun (a load, say) goes on; only its answer is lost. */
  cancelled(): void {}
}

/** Throws ProtoError for what is no such message. */
export function parseMessage<Schema extends DescMessage>(schema: Schema, bytes: Buffer): MessageShape<Schema> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw new ProtoError(error instanceof Error ? error.message : String(error), 0);
  }
}

export function serializeMessage<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): Uint8Array {
  return toBinary(schema, create(schema, message));
}
