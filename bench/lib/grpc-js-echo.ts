/** An echo server of grpc-js, for comparison: what a gRPC call costs before anything is done with its message. Prints its port. */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { MODEL_INFER_PATH } from './grpc-requests.ts';

const bytes = (message: Buffer): Buffer => message;
const server = new Server();
server.addService(
  {
    ModelInfer: {
      path: MODEL_INFER_PATH,
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    },
  },
  { ModelInfer: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => done(null, call.request) },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`listening at 127.0.0.1:${port}\n`);
});
process.on('SIGTERM', () => process.exit(0));
