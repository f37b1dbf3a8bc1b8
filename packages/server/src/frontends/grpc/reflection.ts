import {
  createRegistry,
  type DescExtension,
  type DescFile,
  type DescService,
  type MessageInitShape,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import {
  ServerReflection as ReflectionV1,
  ServerReflectionResponseSchema as ResponseV1,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponseSchema,
} from '@nereid/protocol/grpc-reflection';
import { ServerReflection as ReflectionV1Alpha } from '@nereid/protocol/grpc-reflection-v1alpha';
import { type GrpcMethod, parseMessage, pathOfMethod, serializeMessage } from './method.ts';
import { frameMessage } from './transport/encoded-message.ts';
import type { CallHandler, ServerCall } from './transport/server-call.ts';
import { GRPC_STATUS, OK } from './transport/status.ts';

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>;

/** gRPC's server reflection: what tools such as grpcurl need to call the server without its proto files. */
export class ReflectionService {
  readonly #services: readonly DescService[];
  readonly #registry: Registry;
  readonly #files = new Map<string, DescFile>();

  /** `services`: those that the server offers besides this one. */
  constructor(services: readonly DescService[]) {
    this.#services = [...services, ReflectionV1, ReflectionV1Alpha];
    for (const { file } of this.#services) this.#addFile(file);
    this.#registry = createRegistry(...this.#files.values());
  }

  /** Version 1 and the alpha version before it, whose messages are the same. */
  methods(): GrpcMethod[] {
    return [ReflectionV1, ReflectionV1Alpha].map(({ method }) => ({
      path: pathOfMethod(method.serverReflectionInfo),
      category: 'metadata',
      compressed: false,
      start: (call) => new ReflectionCall(this, call),
    }));
  }

  answer(request: ServerReflectionRequest): Answer {
    const asked = request.messageRequest;
    switch (asked.case) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { service: this.#services.map(({ typeName }) => ({ name: typeName })) },
        };
      case 'fileByFilename':
        return this.#describe(this.#files.get(asked.value), asked.value);
      case 'fileContainingSymbol':
        return this.#describe(this.#fileOf(asked.value), asked.value);
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = asked.value;
        const found = this.#extensions(containingType).find(({ number }) => number === extensionNumber);
        return this.#describe(found?.file, `${containingType} ${extensionNumber}`);
      }
      case 'allExtensionNumbersOfType': {
        if (this.#registry.getMessage(asked.value) === undefined) return notFound(asked.value);
        const extensionNumber = this.#extensions(asked.value).map(({ number }) => number);
        return {
          case: 'allExtensionNumbersResponse',
          value: { baseTypeName: asked.value, extensionNumber },
        };
      }
      default:
        return {
          case: 'errorResponse',
          value: { errorCode: GRPC_STATUS.UNIMPLEMENTED, errorMessage: 'the request asks for nothing that is known' },
        };
    }
  }

  #addFile(file: DescFile): void {
    if (this.#files.has(file.proto.name)) return;
    for (const dependency of file.dependencies) this.#addFile(dependency);
    this.#files.set(file.proto.name, file);
  }

  /** The file that declares a type, a service, or a member of one. */
  #fileOf(symbol: string): DescFile | undefined {
    const name = symbol.startsWith('.') ? symbol.slice(1) : symbol;
    const found = this.#registry.get(name);
    if (found !== undefined) return found.file;
    const dot = name.lastIndexOf('.');
    const owner = dot < 0 ? undefined : this.#registry.get(name.slice(0, dot));
    const member = name.slice(dot + 1);
    switch (owner?.kind) {
      case 'service':
        return owner.methods.some((method) => method.name === member) ? owner.file : undefined;
      case 'message':
        return owner.fields.some((field) => field.name === member) ? owner.file : undefined;
      case 'enum':
        return owner.values.some((value) => value.name === member) ? owner.file : undefined;
      default:
        return undefined;
    }
  }

  #extensions(typeName: string): DescExtension[] {
    return [...this.#registry].filter(
      (type): type is DescExtension => type.kind === 'extension' && type.extendee.typeName === typeName,
    );
  }

  /** A file and those it imports, each in front of those that need it last: the file asked for comes first. */
  #describe(file: DescFile | undefined, asked: string): Answer {
    if (file === undefined) return notFound(asked);
    const files = new Set<DescFile>();
    const add = (each: DescFile): void => {
      if (files.has(each)) return;
      files.add(each);
      for (const dependency of each.dependencies) add(dependency);
    };
    add(file);
    return {
      case: 'fileDescriptorResponse',
      value: { fileDescriptorProto: [...files].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto)) },
    };
  }
}

function notFound(asked: string): Answer {
  return { case: 'errorResponse', value: { errorCode: GRPC_STATUS.NOT_FOUND, errorMessage: `${asked} not found` } };
}

/** One stream of questions; each is answered as it comes. */
class ReflectionCall implements CallHandler {
  readonly #service: ReflectionService;
  readonly #call: ServerCall;

  constructor(service: ReflectionService, call: ServerCall) {
    this.#service = service;
    this.#call = call;
  }

  message(message: Buffer): void {
    const request = parseMessage(ServerReflectionRequestSchema, message);
    const response = {
      validHost: request.host,
      originalRequest: request,
      messageResponse: this.#service.answer(request),
    };
    this.#call.send(frameMessage(serializeMessage(ResponseV1, response)));
  }

  halfClosed(): void {
    this.#call.finish(OK);
  }

  cancelled(): void {}

  stopping(): void {
    this.#call.finish(OK);
  }
}
