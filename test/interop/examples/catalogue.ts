/** Which of the servers under test a client talks to. */
export type ExampleServer = 'main' | 'further' | 'seven-models' | 'usual-ports';

/** One of the example clients of `tritonclient`, by the name of its script. */
export interface ExampleClient {
  readonly name: string;
  /** How its script is started, once for each element; `HTTP`, `GRPC` and `IMAGE` stand for addresses and a picture. */
  readonly runs: readonly (readonly string[])[];
  readonly server: ExampleServer;
  /** Why it cannot run here at all. */
  readonly notRun?: string;
}

const HTTP = ['-u', 'HTTP'];
const GRPC = ['-u', 'GRPC'];
const NO_CUDA = 'needs a CUDA device on the client';

/** All scripts of the `src/python/examples` folder of Triton's client repository. */
export const EXAMPLE_CLIENTS: readonly ExampleClient[] = [
  notRun('ensemble_image_client', 'its ensemble decodes pictures in a backend written for Triton'),
  client('grpc_client', [GRPC]),
  client('grpc_explicit_byte_content_client', [GRPC]),
  client('grpc_explicit_int8_content_client', [GRPC]),
  client('grpc_explicit_int_content_client', [GRPC]),
  client('grpc_image_client', [
    [...GRPC, '-m', 'inception_onnx', '-s', 'INCEPTION', 'IMAGE'],
    [...GRPC, '-m', 'densenet_onnx', '-c', '3', '--streaming', 'IMAGE'],
  ]),
  client('image_client', [
    [...HTTP, '-m', 'inception_onnx', '-s', 'INCEPTION', 'IMAGE'],
    [...HTTP, '-m', 'densenet_onnx', '-c', '2', '-a', 'IMAGE'],
    [...GRPC, '-i', 'gRPC', '-m', 'densenet_onnx', '-a', 'IMAGE'],
    [...GRPC, '-i', 'gRPC', '-m', 'densenet_onnx', '--streaming', 'IMAGE'],
  ]),
  client(
    'memory_growth_test',
    [
      ['-i', 'HTTP'],
      ['-i', 'gRPC'],
    ],
    'usual-ports',
  ),
  client('reuse_infer_objects_client', [HTTP, [...GRPC, '-i', 'gRPC']]),
  client('simple_grpc_aio_infer_client', [GRPC]),
  client('simple_grpc_aio_sequence_stream_infer_client', [GRPC]),
  client('simple_grpc_async_infer_client', [GRPC]),
  notRun('simple_grpc_cudashm_client', NO_CUDA),
  client('simple_grpc_custom_args_client', [GRPC]),
  client('simple_grpc_custom_repeat', [GRPC], 'further'),
  client('simple_grpc_health_metadata', [GRPC]),
  client('simple_grpc_infer_client', [GRPC, [...GRPC, '-C', 'gzip']]),
  client('simple_grpc_keepalive_client', [GRPC]),
  client('simple_grpc_sequence_stream_infer_client', [GRPC]),
  client('simple_grpc_sequence_sync_infer_client', [GRPC]),
  client('simple_grpc_shm_client', [GRPC]),
  client('simple_grpc_shm_string_client', [GRPC]),
  client('simple_grpc_string_infer_client', [GRPC]),
  client('simple_http_aio_infer_client', [HTTP]),
  client('simple_http_async_infer_client', [HTTP]),
  notRun('simple_http_cudashm_client', NO_CUDA),
  client('simple_http_health_metadata', [HTTP]),
  client('simple_http_infer_client', [
    HTTP,
    [...HTTP, '--request-compression-algorithm', 'gzip', '--response-compression-algorithm', 'deflate'],
  ]),
  client('simple_http_sequence_sync_infer_client', [HTTP]),
  client('simple_http_shm_client', [HTTP]),
  client('simple_http_shm_string_client', [HTTP]),
  client('simple_http_string_infer_client', [HTTP]),
  // They leave `simple` unloaded. The one over HTTP counts seven models, the one over gRPC eight.
  client('simple_http_model_control', [HTTP], 'seven-models'),
  client('simple_grpc_model_control', [GRPC]),
];

function client(name: string, runs: readonly (readonly string[])[], server: ExampleServer = 'main'): ExampleClient {
  return { name, runs, server };
}

function notRun(name: string, reason: string): ExampleClient {
  return { name, runs: [], server: 'main', notRun: reason };
}
