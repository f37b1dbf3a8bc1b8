import {
  type handleBidiStreamingCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';

type Bytes = Uint8Array;
export type UnaryHandler = (call: ServerUnaryCall<Bytes, Bytes>, answer: sendUnaryData<Bytes>) => void;

export interface FakeGrpcServer {
  readonly url: string;
  readonly port: number;
  close(): void;
}

const asBuffer = (bytes: Bytes): Buffer => Buffer.from(bytes);

/** A server of the inference service that answers with bytes of the test's own. */
export async function startGrpcServer(
  unary: Readonly<Record<string, UnaryHandler>>,
  stream?: handleBidiStreamingCall<Bytes, Bytes>,
  credentials = ServerCredentials.createInsecure(),
): Promise<FakeGrpcServer> {
  const server = new Server();
  const definition = (method: string, streaming: boolean) => ({
    path: `/${GRPCInferenceService.typeName}/${method}`,
    requestStream: streaming,
    responseStream: streaming,
    requestSerialize: asBuffer,
    requestDeserialize: (bytes: Buffer): Bytes => bytes,
    responseSerialize: asBuffer,
    responseDeserialize: (bytes: Buffer): Bytes => bytes,
  });
  const handlers = { ...unary, ...(stream === undefined ? {} : { ModelStreamInfer: stream }) };
  const methods = Object.keys(handlers).map((method) => [method, definition(method, method === 'ModelStreamInfer')]);
  server.addService(Object.fromEntries(methods), handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return { url: `127.0.0.1:${port}`, port, close: () => server.forceShutdown() };
}
