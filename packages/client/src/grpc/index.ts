export { GrpcClient } from './client.ts';
export type { GrpcClientOptions } from './grpc-caller.ts';
export { InferStream, type StreamAnswer } from './infer-stream.ts';
