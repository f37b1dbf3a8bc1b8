import { setTimeout as delay } from 'node:timers/promises';
import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';

/** A recorded gRPC request, in proto JSON with the proto's own field names. */
export interface GrpcRequest {
  /** Full path. */
  readonly method: string;
  readonly message?: JsonValue;
  /** Messages of a stream, one after the other. */
  readonly stream?: readonly JsonValue[];
  readonly bytesBase64?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly waitMs?: number;
}

/** What came back: a message, a failure, or for a stream both. */
export interface GrpcAnswer {
  readonly message?: JsonValue;
  readonly bytesBase64?: string;
  readonly responses?: readonly JsonValue[];
  readonly code?: string;
  readonly details?: string;
}

const DEADLINE_MS = 20_000;
/** As recorded. */
const STREAM_PAUSE_MS = 120;
const asIs = (bytes: Buffer): Buffer => bytes;
const JSON_OPTIONS = { useProtoFieldName: true } as const;

/** Sends a recorded request over a connection of its own. */
export async function replayGrpc(request: GrpcRequest, host: string, port: number): Promise<GrpcAnswer> {
  const client = new Client(`${host}:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  });
  try {
    return request.stream === undefined ? await unary(client, request) : await stream(client, request);
  } finally {
    client.close();
  }
}

function unary(client: Client, request: GrpcRequest): Promise<GrpcAnswer> {
  const method = methodOf(request.method);
  const bytes =
    request.bytesBase64 === undefined
      ? encode(method!.input, request.message)
      : Buffer.from(request.bytesBase64, 'base64');
  const options = { deadline: Date.now() + DEADLINE_MS };
  return new Promise((resolve) => {
    const done = (error: ServiceError | null, answer?: Buffer): void => {
      if (error !== null) resolve({ code: status[error.code], details: error.details });
      else if (request.bytesBase64 !== undefined) resolve({ bytesBase64: answer!.toString('base64') });
      else resolve({ message: decode(method!.output, answer!) });
    };
    client.makeUnaryRequest(request.method, asIs, asIs, bytes, metadataOf(request), options, done);
  });
}

async function stream(client: Client, request: GrpcRequest): Promise<GrpcAnswer> {
  const method = methodOf(request.method)!;
  const options = { deadline: Date.now() + DEADLINE_MS };
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(request.method, asIs, asIs, metadataOf(request), options);
  const responses: JsonValue[] = [];
  call.on('data', (bytes: Buffer) => responses.push(decode(method.output, bytes)));
  // The status says the same.
  call.on('error', () => {});
  const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve));
  for (const message of request.stream ?? []) {
    call.write(encode(method.input, message));
    await delay(STREAM_PAUSE_MS);
  }
  call.end();
  const { code, details } = await ended;
  return { responses, code: status[code]!, details };
}

/** The inference service's method of a path; undefined for other services. */
export function methodOf(path: string): DescMethod | undefined {
  const [, service, name] = path.split('/');
  if (service !== GRPCInferenceService.typeName) return undefined;
  return GRPCInferenceService.methods.find((method) => method.name === name);
}

function metadataOf({ metadata = {} }: GrpcRequest): Metadata {
  const result = new Metadata();
  for (const [name, value] of Object.entries(metadata)) result.set(name, value);
  return result;
}

function encode(schema: DescMessage, message: JsonValue | undefined): Buffer {
  return Buffer.from(toBinary(schema, fromJson(schema, message ?? {})));
}

function decode(schema: DescMessage, bytes: Buffer): JsonValue {
  return toJson(schema, fromBinary(schema, bytes), JSON_OPTIONS);
}
